using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// The sum that runs through a decoder. A branch that has been added waits for the next norm, so that addition and norm are one pass over
/// memory.
/// </summary>
/// <param name="start">[tokens, hidden]: the embeddings.</param>
internal sealed class ResidualStream(Activation start, Pass pass)
{
    private Activation _current = start;
    private Activation? _pending;

    /// <summary>Adds a branch [tokens, hidden].</summary>
    public void Add(Activation branch)
    {
        Settle();
        _pending = branch;
    }

    /// <summary>The norm of the stream, which itself goes on unchanged.</summary>
    public Activation Norm(NormWeight weight)
    {
        if (_pending is not { } branch) return Operations.Norm.Forward(_current.AlsoRead(), weight, pass);
        _pending = null;
        (_current, Activation normed) = Operations.Norm.AddForward(_current, branch, weight, pass);
        return normed;
    }

    /// <summary>The stream itself, for a branch that reads it without a norm.</summary>
    public Activation Read()
    {
        Settle();
        return _current.AlsoRead();
    }

    /// <summary>Goes on with the norm of the stream instead of the stream.</summary>
    public void Renorm(NormWeight weight)
    {
        Activation normed = Norm(weight);
        _current.Done();
        _current = normed;
    }

    /// <summary>The stream at its end: its norm, or itself where there is none.</summary>
    public Activation End(NormWeight? weight)
    {
        if (weight is not null) Renorm(weight);
        Settle();
        return _current;
    }

    private void Settle()
    {
        if (_pending is not { } branch) return;
        _pending = null;
        _current = Sum.Forward(_current, branch, pass);
    }
}
