using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;

namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>Forwards of texts, of which only the scored tokens come to logits.</summary>
internal sealed class ScoringForward(Decoder decoder, Adapter? adapter, BufferPool pool, TextScore[] scores, Action? yieldPoint = null)
{
    /// <summary>Reads tokens that nothing is predicted from.</summary>
    public void Read(int[][] rows, CachedSequence[] sequences)
    {
        var batch = new TokenBatch(rows, sequences);
        Forward(batch);
        batch.Advance();
        pool.ReturnAll();
    }

    /// <summary>Scores the texts of each row's tail.</summary>
    /// <param name="rows">What stands before the tail and is not cached, the tail, and what is cached; that is left as it is.</param>
    public void Run(IReadOnlyList<(int[] Before, TextTail Tail, CachedSequence? Sequence)> rows)
    {
        var batch = new TokenBatch([.. rows.Select(row => (int[])[.. row.Before, .. row.Tail.Ids])], [.. rows.Select(row => row.Sequence).OfType<CachedSequence>()]);
        (Activation hidden, Pass pass) = Forward(batch);
        (float[] losses, bool[] likeliest) = HeadLoss.Scores(hidden, decoder.Weights.Head, Targets(rows, batch), pass, decoder.LogitShape);
        pool.ReturnAll();
        int start = 0;
        foreach ((int place, ScoredText text) in rows.SelectMany(row => row.Tail.Texts))
        {
            int end = start + text.Scored;
            scores[place] = new TextScore(losses[start..end], Array.TrueForAll(likeliest[start..end], right => right));
            start = end;
        }
    }

    private (Activation, Pass) Forward(TokenBatch batch)
    {
        var pass = new Pass(pool) { Adapters = adapter is null ? [] : [new AdapterRows(adapter, 0, batch.Ids.Length)], YieldPoint = yieldPoint };
        return (decoder.Forward(batch, pass), pass);
    }

    private static LossTargets Targets(IReadOnlyList<(int[], TextTail Tail, CachedSequence?)> rows, TokenBatch batch)
    {
        var tokens = new List<long>();
        var labels = new List<long>();
        for (int row = 0; row < rows.Count; row++)
        {
            foreach ((_, ScoredText text) in rows[row].Tail.Texts)
            {
                for (int i = 0; i < text.Scored; i++)
                {
                    tokens.Add(batch.LastToken(row) + 1 - text.Scored + i);
                    labels.Add(text.Ids[^(text.Scored - i)]);
                }
            }
        }
        return new LossTargets([.. tokens], [.. labels]);
    }
}
