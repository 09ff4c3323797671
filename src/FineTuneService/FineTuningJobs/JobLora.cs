using System.Text.RegularExpressions;
using FineTuneService.Engine.Lora;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>A body's lora as the Engine's: what it asks for, in either spelling.</summary>
internal static partial class JobLora
{
    /// <summary>Preset default's.</summary>
    private const int DefaultRank = 16;

    private const string Lora = "LORA", CausalLm = "CAUSAL_LM", Main = "main";

    private static readonly Dictionary<string, LoraBias> Biases = new() { ["none"] = LoraBias.None, ["lora_only"] = LoraBias.LoraOnly, ["all"] = LoraBias.All };

    public static JobBodyProblem? Problem(LoraBody? lora)
    {
        if (lora is null) return null;
        if (lora.Rank != lora.R && lora is { Rank: not null, R: not null }) return new("lora.r", "rank and r are the same; give one");
        if (lora.Alpha != lora.LoraAlpha && lora is { Alpha: not null, LoraAlpha: not null }) return new("lora.lora_alpha", "alpha and lora_alpha are the same; give one");
        if (lora.Dropout != lora.LoraDropout && lora is { Dropout: not null, LoraDropout: not null }) return new("lora.lora_dropout", "dropout and lora_dropout are the same; give one");
        if (lora.TargetModules is { Values.Count: 0 } && lora.TargetParameters is not { Values.Count: > 0 }) return new("lora.target_modules", "target_modules names no module; leave it out for all-linear");
        if (lora.LoraplusLrRatio is <= 0 or > 1000) return new("lora.loraplus_lr_ratio", "loraplus_lr_ratio must be above 0 and at most 1000; 16 is usual");
        if (lora.Bias is { } bias && !Biases.ContainsKey(bias)) return new("lora.bias", $"there is no bias '{Errors.Clip(bias)}'; use {string.Join(", ", Biases.Keys)}");
        if (Beside(lora) is { } problem) return problem;
        try
        {
            LoraConfig.Require(Of(lora));
            return null;
        }
        catch (LoraOptionException refused)
        {
            return new($"lora.{Spelling(refused.Option, lora)}", refused.Message);
        }
    }

    /// <summary>What is trained, of a body without a problem; null asks for nothing in particular.</summary>
    public static LoraConfig Of(LoraBody? lora)
    {
        int rank = lora?.Rank ?? lora?.R ?? DefaultRank;
        var usual = new LoraConfig { Rank = rank, Alpha = lora?.Alpha ?? lora?.LoraAlpha ?? 2 * rank };
        if (lora is null) return usual;
        IReadOnlyList<string> parameters = NamesOf(lora.TargetParameters);
        string? targets = PatternOf(lora.TargetModules), excluded = PatternOf(lora.ExcludeModules);
        return usual with
        {
            Dropout = lora.Dropout ?? lora.LoraDropout ?? 0,
            TargetModules = targets is null ? NamesOf(lora.TargetModules, parameters.Count > 0 ? [] : usual.TargetModules) : [],
            TargetParameters = parameters,
            TargetPattern = targets,
            ExcludeModules = excluded is null ? NamesOf(lora.ExcludeModules) : [],
            ExcludePattern = excluded,
            LayersToTransform = lora.LayersToTransform?.Values ?? [],
            LayersPattern = NamesOf(lora.LayersPattern),
            RankPattern = lora.RankPattern ?? usual.RankPattern,
            AlphaPattern = lora.AlphaPattern ?? usual.AlphaPattern,
            UseRslora = lora.UseRslora ?? false,
            UseDora = lora.UseDora ?? false,
            Initialisation = lora.InitLoraWeights?.Name ?? usual.Initialisation,
            Bias = Biases[lora.Bias ?? "none"],
            BiasOfB = lora.LoraBias ?? false,
            ModulesToSave = NamesOf(lora.ModulesToSave),
            TrainableTokenIndices = lora.TrainableTokenIndices?.Modules ?? usual.TrainableTokenIndices,
        };
    }

    /// <summary>The field that a refusal of the Engine's is about, as the body spells it.</summary>
    public static string Spelling(string option, LoraBody? lora) => option switch
    {
        "r" when lora?.R is null => "rank",
        "lora_alpha" when lora?.LoraAlpha is null => "alpha",
        "lora_dropout" when lora?.LoraDropout is null => "dropout",
        _ => option,
    };

    /// <summary>PEFT's notes of where an adapter comes from: those that would ask for something else.</summary>
    private static JobBodyProblem? Beside(PeftFields peft)
    {
        if (peft.PeftType is not (null or Lora)) return new("lora.peft_type", $"peft_type '{Errors.Clip(peft.PeftType)}' cannot be trained; use {Lora}");
        if (peft.TaskType is not (null or CausalLm)) return new("lora.task_type", $"task_type '{Errors.Clip(peft.TaskType)}' cannot be trained; use {CausalLm}");
        if (peft.Revision is not (null or "" or Main)) return new("lora.revision", "a job's base is as it was registered; leave revision out");
        return peft.EnsureWeightTying != true ? null : new("lora.ensure_weight_tying", "ensure_weight_tying is for adapters that were made elsewhere; leave it out");
    }

    /// <summary>One text is PEFT's regular expression, unless it is a word for all or a plain name.</summary>
    private static string? PatternOf(OneOrMany? names) => names is { IsOne: true, Values: [var text] } && !PlainName().IsMatch(text) ? text : null;

    private static IReadOnlyList<string> NamesOf(OneOrMany? names, IReadOnlyList<string>? usual = null) => names?.Values is { } given ? [.. given.Where(name => name.Length > 0)] : usual ?? [];

    [GeneratedRegex(@"\A(\w+(\.\w+)*|all-linear(\+lm_head)?)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex PlainName();
}
