using System.Globalization;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Training;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// What the articles' experiments say against a job's settings (S. Raschka, "Finetuning LLMs with LoRA and QLoRA: insights from hundreds of
/// experiments", Lightning AI 2023). A warning never stops a job.
/// </summary>
internal static class JobAdvice
{
    private const int LargeRank = 512;

    /// <summary>Modules that are part of attention, by the last word of their names in the families' checkpoints.</summary>
    private static readonly HashSet<string> Attention = ["q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj", "out_proj", "c_attn", "query_key_value", "W_pack"];

    /// <param name="rows">Of the training file.</param>
    public static IEnumerable<string> Of(JobSettings settings, DatasetFormat format, int rows) =>
        new[]
        {
            settings.Lora is null ? null : Alpha(settings.Lora), settings.Lora is null ? null : Targets(settings.Lora), settings.Lora is null ? null : Rank(settings.Lora),
            Schedule(settings), Passes(settings, format, rows),
        }.OfType<string>();

    private static string? Alpha(LoraConfig lora)
    {
        string scale = $"the branch is scaled by alpha / rank = {Text(lora.Scaling)}";
        return lora.UseRslora ? null : lora.Scaling switch
        {
            < 2 => $"alpha {Text(lora.Alpha)} is below twice the rank ({2 * lora.Rank}): {scale}, so what is learnt weighs less than with 2, which did best in most of the articles' runs. Raise alpha, unless you have measured that less is better.",
            > 2 => $"alpha {Text(lora.Alpha)} is above twice the rank ({2 * lora.Rank}): {scale}, so what is learnt outweighs the base's own knowledge more than with 2, which did best in most of the articles' runs, and training is less stable. Lower alpha, or the learning rate.",
            _ => null,
        };
    }

    private static string? Targets(LoraConfig lora) => lora.TargetModules.Count > 0 && lora.TargetModules.All(target => Attention.Contains(target[(target.LastIndexOf('.') + 1)..]))
        ? $"only attention's layers are adapted ({string.Join(", ", lora.TargetModules.Take(4))}): in the articles' runs adapting every linear layer was better, for about five times the parameters and a sixth more memory. Use target_modules all-linear if memory allows."
        : null;

    private static string? Rank(LoraConfig lora) => lora.Rank < LargeRank ? null
        : $"rank {lora.Rank} is large: in the articles' runs results grew up to rank 256 and were worse again at 512, while the adapter, its gradients and the optimizer's state double. Use rank 256 or less.";

    private static string? Schedule(JobSettings settings) => settings is { Optimizer: "sgd", Scheduler: LrScheduler.Constant }
        ? "SGD runs with a constant learning rate: in the articles' runs a cosine schedule made SGD clearly better, while AdamW hardly needs one. Use lr_scheduler cosine." : null;

    private static string? Passes(JobSettings settings, DatasetFormat format, int rows)
    {
        if (format == DatasetFormat.Text || rows == 0) return null;
        TrainingConfig config = settings.For(rows);
        double passes = (double)settings.StepsFor(rows) * config.MicroBatchSize * config.GradientAccumulationSteps / rows;
        // The last step of a pass may be a part of one.
        return settings.Epochs <= 1 && settings.MaxSteps is null || passes <= 1 + (double)config.MicroBatchSize * config.GradientAccumulationSteps / rows ? null
            : $"the run goes through its instruction data about {Text(Math.Round(passes, 1))} times: in the articles' runs a second pass made the model worse, probably as it overfits. Use one epoch and more rows, or give a validation file and watch its loss.";
    }

    private static string Text(double number) => Math.Round(number, 3).ToString(CultureInfo.InvariantCulture);
}
