using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>
/// The keys and values of an adapter's prompts, by the base's own projections. They are worked out once after each change of the adapter: in serving,
/// once for all.
/// </summary>
internal sealed class PromptKeys : IDisposable
{
    private readonly Dictionary<LinearWeight, Tensor> _known = [];

    /// <param name="prompt">[1, length, hidden], in the compute dtype.</param>
    /// <returns>[length, queries + keys + values], without rotary embedding; the queries are of no use.</returns>
    public Tensor Of(LinearWeight qkv, Tensor prompt, BufferPool pool)
    {
        if (_known.TryGetValue(qkv, out Tensor? known)) return known;
        using var scope = NewDisposeScope();
        Tensor rows = prompt.view(-1, qkv.In), projected = empty([rows.shape[0], qkv.Out], prompt.dtype, prompt.device);
        qkv.Multiply(rows, projected, pool);
        return _known[qkv] = projected.DetachFromDisposeScope();
    }

    /// <summary>The values have changed.</summary>
    public void Clear()
    {
        foreach (Tensor projected in _known.Values) projected.Dispose();
        _known.Clear();
    }

    public void Dispose() => Clear();
}
