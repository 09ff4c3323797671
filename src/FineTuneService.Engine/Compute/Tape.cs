namespace FineTuneService.Engine.Compute;

/// <summary>
/// What a forward pass leaves for the backward: one record an operation, run in reverse. Written by hand instead of by
/// libtorch's autograd, so that what is kept, recomputed or never made (gradients of frozen weights, logits of a batch) is
/// our choice, and so that an operation may be one fused kernel in both directions.
/// </summary>
internal sealed class Tape
{
    private readonly List<Action> _records = [];

    /// <summary>Adds the backward of the operation that has just run forward.</summary>
    public void Record(Action backward) => _records.Add(backward);

    /// <summary>Runs the records from last to first, once; the tape is empty afterwards.</summary>
    public void Backward()
    {
        for (int i = _records.Count - 1; i >= 0; i--) _records[i]();
        _records.Clear();
    }
}
