using FineTuneService.Files;

namespace FineTuneService.FineTuningJobs;

/// <summary>Swagger UI's examples of a tradeoff.</summary>
internal static class TradeoffExamples
{
    public static readonly TradeoffRequest Request = new() { Model = "talers-2m", TrainingFile = FileExamples.File.Id, Steps = 3, BatchSize = 4 };

    public static readonly TradeoffBody Answer = new("fine_tuning.tradeoff", "talers-2m", 12, 3,
    [
        new("none", "adamw", "fp32", 24_117_248, 0.0213, 1.842), new("none", "sgd", "fp32", 22_806_528, 0.0208, 1.915),
        new("nf4", "adamw", "fp32", 13_631_488, 0.0261, 1.861), new("nf4", "sgd", "fp32", 12_320_768, 0.0257, 1.927),
    ]);
}
