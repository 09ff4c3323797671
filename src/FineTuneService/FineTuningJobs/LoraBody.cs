using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>The adapter, in our names or in those of PEFT's adapter_config.json, which may be given whole.</summary>
public sealed record LoraBody : PeftFields
{
    /// <summary>1…2048; 16 unless given.</summary>
    public int? Rank { get; init; }

    /// <summary>PEFT's name for rank.</summary>
    public int? R { get; init; }

    /// <summary>Twice the rank unless given.</summary>
    public double? Alpha { get; init; }

    /// <summary>PEFT's name for alpha.</summary>
    public double? LoraAlpha { get; init; }
    public double? Dropout { get; init; }

    /// <summary>PEFT's name for dropout.</summary>
    public double? LoraDropout { get; init; }

    /// <summary>all-linear (every linear layer but lm_head; the default), all-linear+lm_head, a list of module names, or a regular expression for whole names
    /// (Python's), such as ".*layers\.[02]\..*_proj".</summary>
    public OneOrMany? TargetModules { get; init; }

    /// <summary>Of a mixture of experts: mlp.experts.gate_up_proj, mlp.experts.down_proj, or both; then no module is a target unless target_modules says so.</summary>
    public OneOrMany? TargetParameters { get; init; }

    /// <summary>Modules that are left out, named as targets are.</summary>
    public OneOrMany? ExcludeModules { get; init; }

    /// <summary>The layers that targets lie in, from 0; all unless given. Not with target_modules as a regular expression.</summary>
    public WholeNumbers? LayersToTransform { get; init; }

    /// <summary>Name of the list that those layers are counted in, such as layers or h.</summary>
    public OneOrMany? LayersPattern { get; init; }

    /// <summary>Ranks of some modules: each key is the end of a name, or a regular expression for it, and the first that matches wins.</summary>
    public OrderedDictionary<string, int>? RankPattern { get; init; }

    /// <summary>Alphas of some modules, as rank_pattern.</summary>
    public OrderedDictionary<string, double>? AlphaPattern { get; init; }

    /// <summary>Scale by alpha / √rank instead of alpha / rank.</summary>
    public bool? UseRslora { get; init; }

    /// <summary>Train each output's magnitude apart from its direction (DoRA).</summary>
    public bool? UseDora { get; init; }

    /// <summary>How A and B begin: true, gaussian, pissa, pissa_niter_N or olora; loftq on a base in int8, nf4 or fp4.</summary>
    public InitWeights? InitLoraWeights { get; init; }

    /// <summary>Biases of the base that train too: none (the default), lora_only (those of targets) or all.</summary>
    public string? Bias { get; init; }

    /// <summary>Give every B a bias of its own.</summary>
    public bool? LoraBias { get; init; }

    /// <summary>Modules that train whole, in a copy: lm_head, embed_tokens and such.</summary>
    public OneOrMany? ModulesToSave { get; init; }

    /// <summary>Token ids whose rows of the embeddings train: a list, or one for each module, {"embed_tokens": [5, 9]}.</summary>
    public TokenIndices? TrainableTokenIndices { get; init; }

    /// <summary>How many times A's learning rate B's is (LoRA+); 16 is usual.</summary>
    public double? LoraplusLrRatio { get; init; }
}
