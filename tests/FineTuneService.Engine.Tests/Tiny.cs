using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Tests;

/// <summary>A model small enough to train in milliseconds.</summary>
internal static class Tiny
{
    public static readonly ModelConfig Config = new()
    {
        HiddenSize = 32,
        IntermediateSize = 48,
        Layers = 2,
        Heads = 4,
        KeyValueHeads = 2,
        HeadDim = 8,
        VocabularySize = 64,
        TieWordEmbeddings = true,
    };

    /// <summary>Counting rows of different lengths, 5 to 11 tokens, all but the first of them labels.</summary>
    public static List<TrainingRow> Rows(int count) => [.. Enumerable.Range(0, count).Select(row =>
    {
        int[] ids = [.. Enumerable.Range(0, 5 + row % 7).Select(i => (row * 3 + i) % 64)];
        return new TrainingRow(ids, [-100, .. ids[1..]]);
    })];
}
