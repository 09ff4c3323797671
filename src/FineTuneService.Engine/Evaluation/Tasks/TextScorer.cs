using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>Scores texts a batch at a time, for a caller that lets others have the device in between. It holds buffers only. All on one thread.</summary>
/// <param name="memory">What the buffers, and the keys and values of stems, are taken of; null: no limit.</param>
public sealed class TextScorer(MemoryShare? memory = null) : IDisposable
{
    private readonly HeldDecoder _held = new(memory);

    /// <param name="adapter">Null: the model alone.</param>
    /// <param name="scores">The batch's texts have theirs written at their places.</param>
    /// <param name="yieldPoint">Called after each decoder block: requests may be served there. The model and the adapter stay as they are meanwhile.</param>
    /// <exception cref="MemoryExceededException">There is no room for the batch; nothing is held then.</exception>
    /// <exception cref="ArgumentException">A text has an id outside the model's vocabulary.</exception>
    public void Score(BaseModel model, Adapter? adapter, TextBatch batch, TextScore[] scores, Action? yieldPoint = null)
    {
        Require(batch, model.Config.VocabularySize);
        using var scope = NewDisposeScope();
        using var gradientFree = no_grad();
        _held.Run(model, (decoder, pool) =>
        {
            var forward = new ScoringForward(decoder, adapter, pool, scores, yieldPoint);
            try
            {
                if (batch.Shared && model.Config.RopeScaling?.DependsOnLength == true) Apart(batch.Stems, forward);
                else if (batch.Shared) Shared(model, batch.Stems, forward);
                else forward.Run([.. batch.Stems.Select(stem => (stem.Ids, stem.Tails[0], (CachedSequence?)null))]);
                return true;
            }
            finally
            {
                pool.ReturnAll();
            }
        });
    }

    public void Dispose() => _held.Dispose();

    /// <summary>Stems are read again with each tail: their keys would be by the frequencies of the stems' lengths.</summary>
    private static void Apart(IReadOnlyList<TextStem> stems, ScoringForward forward)
    {
        for (int tail = 0; stems.Any(stem => tail < stem.Tails.Count); tail++)
            forward.Run([.. stems.Where(stem => tail < stem.Tails.Count).Select(stem => (stem.Ids, stem.Tails[tail], (CachedSequence?)null))]);
    }

    /// <summary>Each stem's keys and values are kept while its tails go through, one after the other over the same place.</summary>
    private void Shared(BaseModel model, IReadOnlyList<TextStem> stems, ScoringForward forward)
    {
        long bytes = stems.Sum(stem => KvCache.Bytes(model.Config.CacheShape, model.Weights.Dtype, stem.Ids.Length + stem.Tails.Max(tail => tail.Ids.Length)));
        _held.Take(bytes);
        var cache = new KvCache(model.Config.CacheShape, model.Weights.Dtype, model.Weights.Device);
        CachedSequence[] sequences = [.. stems.Select(_ => cache.Begin())];
        try
        {
            forward.Read([.. stems.Select(stem => stem.Ids)], sequences);
            for (int tail = 0; stems.Any(stem => tail < stem.Tails.Count); tail++)
                forward.Run([.. stems.Zip(sequences).Where(pair => tail < pair.First.Tails.Count).Select(pair => (Array.Empty<int>(), pair.First.Tails[tail], (CachedSequence?)pair.Second))]);
        }
        finally
        {
            foreach (CachedSequence sequence in sequences) sequence.Dispose();
            _held.Give(bytes);
        }
    }

    private static void Require(TextBatch batch, int vocabulary)
    {
        foreach (int id in batch.Stems.SelectMany(stem => stem.Ids.Concat(stem.Tails.SelectMany(tail => tail.Texts).SelectMany(text => text.Text.Ids))))
        {
            if (id < 0 || id >= vocabulary) throw new ArgumentException($"a text has token {id}, and the model's ids are 0 to {vocabulary - 1}: its tokenizer knows more tokens than its weights have");
        }
    }
}
