using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.Gates;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Models;

/// <summary>The traits of a decoder: its sizes in config.json's terms, and what tells its family from Llama, whose traits are the defaults.</summary>
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

    public NormKind Norm { get; init; } = NormKind.Rms;

    /// <summary>Norms have a bias.</summary>
    public bool NormBias { get; init; }

    public Residual Residual { get; init; }

    public GateKind Gate { get; init; } = GateKind.Silu;

    /// <summary>The MLP is a gated unit; else one layer, the activation, another layer.</summary>
    public bool GatedMlp { get; init; } = true;

    /// <summary>o has a bias; null: as q, k and v.</summary>
    public bool? OutputBias { get; init; }
    public bool HeadBias { get; init; }

    /// <summary>Each key/value head's queries, key and value lie together in the joined rows (GPT-NeoX, Falcon).</summary>
    public bool GroupedQkv { get; init; }

    /// <summary>Linear weights are stored [in, out] (GPT-2's Conv1D).</summary>
    public bool TransposedLinears { get; init; }

    /// <summary>Of queries and keys, before they are turned; null: none.</summary>
    public NormKind? QueryKeyNorm { get; init; }

    /// <summary>Shape of their weights.</summary>
    public HeadNorms HeadNorms { get; init; }

    /// <summary>Factor of q·k; null: 1 / sqrt(<see cref="HeadDim"/>).</summary>
    public float? AttentionScale { get; init; }

    /// <summary>attn_logit_softcapping; 0: none.</summary>
    public float ScoreSoftCap { get; init; }

    /// <summary>Scores have a bias by the keys' positions, https://arxiv.org/abs/2108.12409.</summary>
    public bool Alibi { get; init; }

    /// <summary>Dimensions of a head that are turned; 0: all.</summary>
    public int RotaryDims { get; init; }

    /// <summary>Neighbours are turned together instead of halves.</summary>
    public bool RotaryNeighbours { get; init; }

    /// <summary>Of the layers that use it (Gemma 3's windows).</summary>
    public double LocalRopeTheta { get; init; } = 10000;

    /// <summary>Embeddings are multiplied by it.</summary>
    public float EmbeddingScale { get; init; } = 1;

    /// <summary>Branches are multiplied by it before they are added.</summary>
    public float ResidualScale { get; init; } = 1;

    /// <summary>Logits are multiplied by it.</summary>
    public float LogitScale { get; init; } = 1;

    /// <summary>final_logit_softcapping; 0: none.</summary>
    public float LogitSoftCap { get; init; }

    /// <summary>Positions are learned: position p's is row p plus this; null: they are not.</summary>
    public int? PositionOffset { get; init; }

    /// <summary>Width of the embeddings where it is not <see cref="HiddenSize"/>; 0: it is.</summary>
    public int EmbeddingWidth { get; init; }

    public ExpertTraits? Experts { get; init; }

    /// <summary>One for each layer; empty: all are alike, with the whole sequence in view and rotary embedding.</summary>
    public IReadOnlyList<LayerTraits> LayerTraits { get; init; } = [];

    /// <summary>config.json as it was read; null where the model was made here.</summary>
    public string? Json { get; init; }

    internal Names Names { get; init; } = Names.Llama;

    internal Family Family { get; init; } = Families.Llama.Family;

    internal ModelSlots Slots => SlotTable.Of(this);

    /// <summary>Parameters of the model, a tied head counted once.</summary>
    public long ParameterCount => Slots.ParameterCount;

    internal CacheShape CacheShape => new(Layers, KeyValueHeads, HeadDim) { RestartAt = (RopeScaling as LongRopeScaling)?.OriginalMaxPositions ?? 0 };

    internal LayerTraits Layer(int i) => LayerTraits.Count == 0 ? new LayerTraits(0, Alibi || PositionOffset is not null ? RopeUse.None : RopeUse.Global) : LayerTraits[i];

    internal RopeTraits Rope(RopeUse use) => use == RopeUse.Local
        ? new RopeTraits(LocalRopeTheta, null, RotaryWidth, MaxPositions) : new RopeTraits(RopeTheta, RopeScaling, RotaryWidth, MaxPositions);

    private int RotaryWidth => RotaryDims == 0 ? HeadDim : RotaryDims;

    /// <exception cref="ModelException">config.json is missing, or asks for an architecture or setting that is not supported.</exception>
    public static ModelConfig Load(string folder)
    {
        const string Name = "config.json";
        if (FolderFile.Problem(folder, Name) is { } problem) throw new ModelException(problem + ".");
        return ModelTextFiles.Read(folder, Name) is { } text ? Parse(text) : throw new ModelException("config.json is missing: a base model is a Hugging Face folder, or a GGUF file.");
    }

    /// <inheritdoc cref="Load"/>
    public static ModelConfig Parse(string json) => ModelConfigReader.Read(json);

    /// <summary>config.json's text, as transformers reads it: what was read, with what changed since.</summary>
    internal string ToJson(string dtype) => ConfigWriter.Write(this, dtype);
}

/// <summary>What a norm of queries and keys spans.</summary>
public enum HeadNorms
{
    /// <summary>Each head, by the same weight [headDim].</summary>
    Shared,

    /// <summary>Each head, by its own weight: [heads, headDim].</summary>
    EachItsOwn,

    /// <summary>All heads together: [heads·headDim].</summary>
    Together,
}
