using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;

namespace FineTuneService.Benchmarks.P1;

/// <summary>
/// What a step of P1 trains on: the 135M Llama shape with random weights in bf16, LoRA of rank 8 on all linear layers, and 4 full
/// rows of 256 random tokens without a masked label. Every variant makes the same from the same seed.
/// </summary>
internal static class Workload
{
    public const int Rows = 4;
    public const int Length = 256;
    public const ulong Seed = 1;

    /// <summary>Tokens of a step.</summary>
    public const int Tokens = Rows * Length;

    public static readonly ModelConfig Shape = new()
    {
        HiddenSize = 576,
        IntermediateSize = 1536,
        Layers = 30,
        Heads = 9,
        KeyValueHeads = 3,
        HeadDim = 64,
        VocabularySize = 49152,
        Epsilon = 1e-5f,
        TieWordEmbeddings = true,
    };

    public static readonly TrainingConfig Training = new()
    {
        Lora = new LoraConfig { Rank = 8, Alpha = 16 },
        LearningRate = 1e-3,
        Scheduler = LrScheduler.Constant,
    };

    public static IReadOnlyList<TrainingRow> Batch()
    {
        var random = new Random(1);
        var rows = new TrainingRow[Rows];
        for (int row = 0; row < Rows; row++)
        {
            int[] ids = [.. Enumerable.Range(0, Length).Select(_ => random.Next(Shape.VocabularySize))];
            rows[row] = new TrainingRow(ids, ids);
        }
        return rows;
    }
}
