using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Fills <paramref name="output"/> with <paramref name="input"/> [tokens, in], some elements dropped and the rest scaled up, as
/// decided for this module in this micro batch. The same call gives the same elements in the backward.</summary>
/// <param name="tokens">Which of the micro batch's tokens the rows are; null: all of them, in order.</param>
internal delegate void Dropout(string module, Tensor input, Tensor output, long[]? tokens = null);

/// <summary>Consecutive rows [<paramref name="Start"/>, +<paramref name="Count"/>) of a pass's tokens that go through one adapter.</summary>
internal readonly record struct AdapterRows(Adapter Adapter, int Start, int Count);

/// <summary>
/// What the operations of one forward share: where they write, which adapters apply to which tokens, and, in training, the tape
/// and where gradients go. Without a tape nothing is kept: every operation returns its input to the pool once it has read it.
/// </summary>
internal sealed class Pass(BufferPool pool, Tape? tape = null)
{
    public BufferPool Pool { get; } = pool;

    public Tape? Tape { get; } = tape;

    /// <summary>Ascending and not overlapping; tokens in none of them see the base model alone.</summary>
    public IReadOnlyList<AdapterRows> Adapters { get; init; } = [];

    /// <summary>The trained parameters' gradients, which the backward adds to; null where nothing trains.</summary>
    public Gradients? Gradients { get; init; }

    /// <summary>Applied to the input of every low-rank branch; null outside training.</summary>
    public Dropout? Dropout { get; init; }

    /// <summary>Which of the micro batch's tokens the pass is over, as experts see some; null: all.</summary>
    public long[]? Tokens { get; init; }

    /// <summary>Changes the embeddings [tokens, hidden] in place; null outside training.</summary>
    public Action<Tensor>? EmbeddingNoise { get; init; }

    /// <summary>The backward runs each block's forward again, of which nothing but the input is kept.</summary>
    public bool Recomputes { get; init; }

    /// <summary>Called between decoder blocks, forward and backward, and after each of the head's chunks, where a training step may let
    /// waiting requests run.</summary>
    public Action? YieldPoint { get; init; }

    /// <summary>The same pass over other rows, such as the last token of each sequence.</summary>
    public Pass With(IReadOnlyList<AdapterRows> adapters) =>
        new(Pool, Tape) { Adapters = adapters, Gradients = Gradients, Dropout = Dropout, YieldPoint = YieldPoint };

    /// <summary>The same pass over chosen tokens of it, in their order.</summary>
    /// <param name="tokens">Ascending.</param>
    public Pass Of(long[] tokens) => new(Pool, Tape)
    {
        Adapters = AdaptersOf(tokens),
        Gradients = Gradients,
        Dropout = Dropout,
        Tokens = tokens,
        YieldPoint = YieldPoint,
    };

    /// <summary>The adapters' rows among chosen tokens of the pass.</summary>
    /// <param name="tokens">Ascending.</param>
    public IReadOnlyList<AdapterRows> AdaptersOf(long[] tokens)
    {
        var chosen = new List<AdapterRows>();
        foreach (AdapterRows rows in Adapters)
        {
            int start = Array.FindIndex(tokens, token => token >= rows.Start);
            int count = tokens.Count(token => token >= rows.Start && token < rows.Start + rows.Count);
            if (count > 0) chosen.Add(new AdapterRows(rows.Adapter, start, count));
        }
        return chosen;
    }

    /// <summary>The same pass over one block, on a tape of its own; without one, only forward.</summary>
    public Pass On(Tape? tape) =>
        new(Pool, tape) { Adapters = Adapters, Gradients = tape is null ? null : Gradients, Dropout = Dropout, YieldPoint = YieldPoint };

    /// <summary>The same pass for branches whose input has gone through dropout already.</summary>
    public Pass WithoutDropout() => new(Pool, Tape) { Adapters = Adapters, Gradients = Gradients, YieldPoint = YieldPoint };
}
