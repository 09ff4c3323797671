using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Models;

namespace FineTuneService.Benchmarks;

/// <summary>The shape that the benchmarks share, SmolLM2-135M's, and full rows of random tokens for it.</summary>
internal static class SmolShape
{
    public static readonly ModelConfig Config = new()
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

    /// <summary>Rows of <paramref name="length"/> tokens, every one a label; the same from call to call.</summary>
    public static TrainingRow[] Rows(int count, int length)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            int[] ids = [.. Enumerable.Range(0, length).Select(_ => random.Next(Config.VocabularySize))];
            return new TrainingRow(ids, ids);
        })];
    }
}
