namespace FineTuneService.Engine.Models;

/// <summary>A family's names of modules, as its published checkpoints have them; a layer's are relative to <see cref="Layer"/>. Null: it has none.</summary>
internal sealed record Names
{
    public static readonly Names Llama = new();

    /// <summary>Gemma 2's and 3's: a norm before each branch and one after it.</summary>
    public static readonly Names Sandwich = new()
    {
        AfterAttention = "post_attention_layernorm",
        BeforeMlp = "pre_feedforward_layernorm",
        AfterMlp = "post_feedforward_layernorm",
    };

    public string Embedding { get; init; } = "model.embed_tokens";

    /// <summary>{0} is the layer's number.</summary>
    public string Layer { get; init; } = "model.layers.{0}.";

    public string? FinalNorm { get; init; } = "model.norm";
    public string Head { get; init; } = "lm_head";
    public string? Positions { get; init; }
    public string? ProjectIn { get; init; }
    public string? ProjectOut { get; init; }
    public string? BeforeAttention { get; init; } = "input_layernorm";
    public string? AfterAttention { get; init; }
    public string? BeforeMlp { get; init; } = "post_attention_layernorm";
    public string? AfterMlp { get; init; }

    /// <summary>Three modules, or one that holds all rows.</summary>
    public string[] Qkv { get; init; } = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];

    public string O { get; init; } = "self_attn.o_proj";

    /// <summary>Gate and up, or one module that holds both; the one layer before the activation where there is no gate.</summary>
    public string[] Up { get; init; } = ["mlp.gate_proj", "mlp.up_proj"];

    public string Down { get; init; } = "mlp.down_proj";

    /// <summary>With {0}, a module for each head.</summary>
    public string? QueryNorm { get; init; }

    public string? KeyNorm { get; init; }
    public string? Router { get; init; }

    /// <summary>Of expert {0}: gate, up, down.</summary>
    public string[] Expert { get; init; } = [];
}
