using System.Text.Json.Serialization;
using FineTuneService.Engine.Quantization;

namespace FineTuneService.Engine.Lora;

/// <summary>Low-rank adaptation, https://arxiv.org/abs/2106.09685: y = W x + scaling · B A x, in PEFT's terms (peft.LoraConfig).</summary>
public sealed record LoraConfig
{
    /// <summary>PEFT's word for every linear layer of the decoder, lm_head left out.</summary>
    public const string AllLinear = "all-linear";

    /// <summary>Ours: <see cref="AllLinear"/> and lm_head.</summary>
    public const string AllLinearAndHead = "all-linear+lm_head";

    public const int LargestRank = 2048;

    public const double LargestAlpha = 1e6;

    /// <summary>Inner dimension of B·A, 1…<see cref="LargestRank"/>.</summary>
    public int Rank { get; init; } = 16;

    /// <summary>Numerator of the scaling (PEFT's lora_alpha), above 0.</summary>
    public double Alpha { get; init; } = 32;

    /// <summary>Probability that an element of a target's input is dropped on the low-rank branch, 0…1, in training only.</summary>
    public double Dropout { get; init; }

    /// <summary>Module names such as q_proj (a suffix after a dot matches, as in PEFT), or one of the words above alone.</summary>
    public IReadOnlyList<string> TargetModules { get; init; } = [AllLinear];

    /// <summary>Instead of <see cref="TargetModules"/>: a Python regular expression that the whole of a module's name must match.</summary>
    public string? TargetPattern { get; init; }

    /// <summary>Modules that are left out, named as targets are.</summary>
    public IReadOnlyList<string> ExcludeModules { get; init; } = [];

    /// <summary>Instead of <see cref="ExcludeModules"/>: a regular expression that matches the whole of their names.</summary>
    public string? ExcludePattern { get; init; }

    /// <summary>Numbers of the layers that targets lie in; empty: all. Not with <see cref="TargetPattern"/>.</summary>
    public IReadOnlyList<int> LayersToTransform { get; init; } = [];

    /// <summary>Names of the list that layers are counted in, such as layers or h; empty: whatever stands before a number.</summary>
    public IReadOnlyList<string> LayersPattern { get; init; } = [];

    /// <summary>
    /// Ranks of some modules: a key is a regular expression for a name's last parts, and the first that matches wins, in the order given.
    /// </summary>
    public IReadOnlyDictionary<string, int> RankPattern { get; init; } = new Dictionary<string, int>();

    /// <summary>Alphas of some modules, as <see cref="RankPattern"/>.</summary>
    public IReadOnlyDictionary<string, double> AlphaPattern { get; init; } = new Dictionary<string, double>();

    /// <summary>The scaling is alpha / √rank instead of alpha / rank (https://arxiv.org/abs/2312.03732).</summary>
    public bool UseRslora { get; init; }

    /// <summary>How A and B begin, in PEFT's names (init_lora_weights); default is its true.</summary>
    [JsonPropertyName("init_lora_weights")]
    public string Initialisation { get; init; } = "default";

    /// <summary>Weight-decomposed adaptation (https://arxiv.org/abs/2402.09353): each output's magnitude is trained apart from its direction.</summary>
    public bool UseDora { get; init; }

    /// <summary>Which of the base's biases train with the adapter.</summary>
    public LoraBias Bias { get; init; }

    /// <summary>Every B has a bias of its own (PEFT's lora_bias).</summary>
    [JsonPropertyName("lora_bias")]
    public bool BiasOfB { get; init; }

    /// <summary>Modules that train whole, each in a copy that replaces the base's: a name's end, such as lm_head or embed_tokens.</summary>
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>
    /// Token ids whose rows train, by module (embed_tokens, lm_head); the name "" is the input embeddings, and where the head is tied to them,
    /// the head too.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<int>> TrainableTokenIndices { get; init; } = new Dictionary<string, IReadOnlyList<int>>();

    /// <summary>What is trained of tied embeddings acts in the head too: each has a copy in PEFT's files. For adapters that were made elsewhere.</summary>
    public bool EnsureWeightTying { get; init; }

    /// <summary>
    /// Parameters of modules that are no linear layers: of a mixture of experts mlp.experts.gate_up_proj and mlp.experts.down_proj, a pair of matrices of
    /// the rank for each expert (peft ≥ 0.17).
    /// </summary>
    public IReadOnlyList<string> TargetParameters { get; init; } = [];

    /// <summary>LLaMA-Adapter's trained tokens; then there are no low-rank matrices, and what is said of them has no meaning.</summary>
    public AdaptionPromptConfig? Prompt { get; init; }

    /// <summary>LLaMA-Adapter instead of low-rank matrices.</summary>
    public static LoraConfig OfPrompt(AdaptionPromptConfig prompt) => new() { Prompt = prompt, TargetModules = [] };

    /// <summary>Checks what can be said before the base is known.</summary>
    /// <exception cref="LoraOptionException">The message says what the option may be.</exception>
    public static void Require(LoraConfig config)
    {
        LoraRules.Require(config);
        _ = new LoraTargets(config);
    }

    /// <exception cref="ArgumentException">There is no such initialisation, or none on a base that is stored so; the message names it.</exception>
    public static void RequireInitialisation(string name, QuantizationType quantization)
    {
        if (Initialisations.Initialisation.Of(name).NeedsQuantizedBase && quantization is (QuantizationType.None or QuantizationType.AsStored))
            throw new ArgumentException($"init_lora_weights {name} begins from what quantization took off the base: give quantization int8, nf4 or fp4");
    }

    /// <summary>Settings that were stored before these names were PEFT's.</summary>
    [JsonInclude, JsonPropertyName("initialisation")]
    private string? FormerInitialisation { init => Initialisation = value ?? Initialisation; }

    [JsonInclude, JsonPropertyName("bias_of_b")]
    private bool? FormerBiasOfB { init => BiasOfB = value ?? BiasOfB; }

    /// <summary>Factor of B·A where no pattern says otherwise.</summary>
    public double Scaling => ScalingOf(Rank, Alpha);

    internal double ScalingOf(int rank, double alpha) => alpha / (UseRslora ? Math.Sqrt(rank) : rank);
}

/// <summary>PEFT's bias option.</summary>
public enum LoraBias
{
    None,

    /// <summary>Those of the modules that are targeted.</summary>
    LoraOnly,

    /// <summary>Every bias of the model.</summary>
    All,
}
