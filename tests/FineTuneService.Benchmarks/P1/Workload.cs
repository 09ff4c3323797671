using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Training;

namespace FineTuneService.Benchmarks.P1;

/// <summary>
/// What a step of P1 trains on: the 135M Llama shape with random weights, LoRA of rank 8 on all linear layers, and 4 full
/// rows of 256 random tokens without a masked label. Every variant makes the same from the same seed.
/// </summary>
internal static class Workload
{
    public const int Rows = 4;
    public const int Length = 256;
    public const ulong Seed = 1;

    /// <summary>Tokens of a step.</summary>
    public const int Tokens = Rows * Length;

    public static readonly TrainingConfig Training = new()
    {
        Lora = new LoraConfig { Rank = 8, Alpha = 16 },
        LearningRate = 1e-3,
        Scheduler = LrScheduler.Constant,
    };

    public static IReadOnlyList<TrainingRow> Batch() => SmolShape.Rows(Rows, Length);
}
