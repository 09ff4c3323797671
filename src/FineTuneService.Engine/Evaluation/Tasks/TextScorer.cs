using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Models.Operations;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>Scores texts a batch at a time, for a caller that lets others have the device in between. It holds buffers only. All on one thread.</summary>
public sealed class TextScorer : IDisposable
{
    private readonly HeldDecoder _held = new();

    /// <param name="adapter">Null: the model alone.</param>
    /// <param name="scores">The batch's texts have theirs written at their places.</param>
    /// <exception cref="ArgumentException">A text has an id outside the model's vocabulary.</exception>
    public void Score(BaseModel model, Adapter? adapter, TextBatch batch, TextScore[] scores)
    {
        Require(batch, model.Config.VocabularySize);
        using var scope = NewDisposeScope();
        using var gradientFree = no_grad();
        (Decoder decoder, BufferPool pool) = _held.Of(model);
        try
        {
            var tokens = new TokenBatch([.. batch.Inputs.Select(input => input.Ids)]);
            var pass = new Pass(pool) { Adapters = adapter is null ? [] : [new AdapterRows(adapter, 0, tokens.Ids.Length)] };
            Activation hidden = decoder.Forward(tokens, pass);
            (float[] losses, bool[] likeliest) = HeadLoss.Scores(hidden, decoder.Weights.Head, Targets(batch, tokens.Width), pass);
            int start = 0;
            foreach ((int place, ScoredText text) in batch.Inputs.SelectMany(input => input.Texts))
            {
                int end = start + text.Scored;
                scores[place] = new TextScore(losses[start..end], Array.TrueForAll(likeliest[start..end], right => right));
                start = end;
            }
        }
        finally
        {
            pool.ReturnAll();
        }
    }

    public void Dispose() => _held.Dispose();

    private static LossTargets Targets(TextBatch batch, int width)
    {
        var tokens = new List<long>();
        var labels = new List<long>();
        for (int row = 0; row < batch.Inputs.Count; row++)
        {
            foreach ((_, ScoredText text) in batch.Inputs[row].Texts)
            {
                for (int i = text.Ids.Length - text.Scored; i < text.Ids.Length; i++)
                {
                    tokens.Add((long)row * width + i - 1);
                    labels.Add(text.Ids[i]);
                }
            }
        }
        return new LossTargets([.. tokens], [.. labels]);
    }

    private static void Require(TextBatch batch, int vocabulary)
    {
        foreach ((_, ScoredText text) in batch.Inputs.SelectMany(input => input.Texts))
        {
            foreach (int id in text.Ids)
            {
                if (id < 0 || id >= vocabulary) throw new ArgumentException($"a text has token {id}, and the model's ids are 0 to {vocabulary - 1}: its tokenizer knows more tokens than its weights have");
            }
        }
    }
}
