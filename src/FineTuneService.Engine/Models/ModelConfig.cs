using System.Text.Json.Nodes;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;

namespace FineTuneService.Engine.Models;

/// <summary>The shape of a decoder of the Llama family, in config.json's terms.</summary>
public sealed record ModelConfig
{
    public required int HiddenSize { get; init; }
    public required int IntermediateSize { get; init; }

    /// <summary>num_hidden_layers.</summary>
    public required int Layers { get; init; }

    /// <summary>num_attention_heads: query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>num_key_value_heads; a divisor of <see cref="Heads"/>.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Width of one head, even.</summary>
    public required int HeadDim { get; init; }
    public required int VocabularySize { get; init; }

    /// <summary>rms_norm_eps.</summary>
    public float Epsilon { get; init; } = 1e-6f;
    public double RopeTheta { get; init; } = 10000;
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>max_position_embeddings: tokens of the longest sequence.</summary>
    public int MaxPositions { get; init; } = 2048;

    /// <summary>The head is the embedding table.</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>q, k, v and o have a bias.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>gate, up and down have a bias.</summary>
    public bool MlpBias { get; init; }

    /// <summary>initializer_range: standard deviation of random weights.</summary>
    public float InitializerRange { get; init; } = 0.02f;
    public int? BosId { get; init; }

    /// <summary>eos_token_id, one or several.</summary>
    public IReadOnlyList<int> EosIds { get; init; } = [];

    /// <summary>The decoder's linear layers in order, as it joins them: q/k/v, o, gate/up, down of each layer, then the head.</summary>
    internal IEnumerable<LinearShape> Linears
    {
        get
        {
            int q = Heads * HeadDim, kv = KeyValueHeads * HeadDim;
            for (int i = 0; i < Layers; i++)
            {
                string layer = $"model.layers.{i}.";
                yield return new(HiddenSize, [new(layer + "self_attn.q_proj", 0, q), new(layer + "self_attn.k_proj", q, kv), new(layer + "self_attn.v_proj", q + kv, kv)]);
                yield return new(q, [new(layer + "self_attn.o_proj", 0, HiddenSize)]);
                yield return new(HiddenSize, [new(layer + "mlp.gate_proj", 0, IntermediateSize), new(layer + "mlp.up_proj", IntermediateSize, IntermediateSize)]);
                yield return new(IntermediateSize, [new(layer + "mlp.down_proj", 0, HiddenSize)]);
            }
            yield return new(HiddenSize, [new("lm_head", 0, VocabularySize)]);
        }
    }

    /// <summary>Parameters of the model, a tied head counted once.</summary>
    public long ParameterCount
    {
        get
        {
            long count = (long)VocabularySize * HiddenSize + (2L * Layers + 1) * HiddenSize;
            foreach (LinearShape linear in Linears)
            {
                bool head = linear.Parts[0].Module == "lm_head";
                if (head && TieWordEmbeddings) continue;
                foreach (LinearPartShape part in linear.Parts) count += (long)part.Out * linear.In + (HasBias(part.Module) ? part.Out : 0);
            }
            return count;
        }
    }

    internal CacheShape CacheShape => new(Layers, KeyValueHeads, HeadDim);

    internal bool HasBias(string module) => module.Contains(".self_attn.") ? AttentionBias : module.Contains(".mlp.") && MlpBias;

    /// <exception cref="ModelException">config.json is missing, or asks for an architecture or setting that is not supported.</exception>
    public static ModelConfig Load(string folder)
    {
        const string Name = "config.json";
        if (FolderFile.Problem(folder, Name) is { } problem) throw new ModelException(problem + ".");
        if (FolderFile.Exists(folder, Name)) return Parse(File.ReadAllText(Path.Combine(folder, Name)));
        if (Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.gguf").Any())
            throw new ModelException("GGUF is not supported: the Engine loads Hugging Face folders, with config.json and safetensors.");
        throw new ModelException("config.json is missing: a base model is a Hugging Face folder.");
    }

    /// <inheritdoc cref="Load"/>
    public static ModelConfig Parse(string json) => ModelConfigReader.Read(json);

    /// <summary>config.json's text, as transformers reads it.</summary>
    internal string ToJson(string dtype) => new JsonObject
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["model_type"] = "llama",
        ["attention_bias"] = AttentionBias,
        ["bos_token_id"] = BosId,
        ["eos_token_id"] = EosIds.Count == 1 ? EosIds[0] : new JsonArray([.. EosIds.Select(id => (JsonNode)id)]),
        ["head_dim"] = HeadDim,
        ["hidden_act"] = "silu",
        ["hidden_size"] = HiddenSize,
        ["initializer_range"] = (double)(decimal)InitializerRange,
        ["intermediate_size"] = IntermediateSize,
        ["max_position_embeddings"] = MaxPositions,
        ["mlp_bias"] = MlpBias,
        ["num_attention_heads"] = Heads,
        ["num_hidden_layers"] = Layers,
        ["num_key_value_heads"] = KeyValueHeads,
        ["rms_norm_eps"] = (double)(decimal)Epsilon,
        ["rope_scaling"] = RopeSettings.ToJson(RopeScaling),
        ["rope_theta"] = RopeTheta,
        ["tie_word_embeddings"] = TieWordEmbeddings,
        ["torch_dtype"] = dtype,
        ["vocab_size"] = VocabularySize,
    }.ToJsonString(new() { WriteIndented = true });
}
