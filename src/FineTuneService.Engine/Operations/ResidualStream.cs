using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// The sum that runs through a decoder. A branch that has been added waits for the next norm, so that addition and norm are one pass over
/// memory.
/// </summary>
/// <param name="start">[tokens, hidden]: the embeddings.</param>
/// <param name="pending">A branch that has been added to it.</param>
internal sealed class ResidualStream(Activation start, Pass pass, Activation? pending = null)
{
    private Activation _current = start;
    private Activation? _pending = pending;

    /// <summary>The sum, but for the branch that waits.</summary>
    public Activation Current => _current;

    /// <summary>The branch that waits for the next norm.</summary>
    public Activation? Pending => _pending;

    /// <summary>Goes on with another sum and branch, which a block has made of them.</summary>
    public void GoOn(Activation current, Activation? branch) => (_current, _pending) = (current, branch);

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
