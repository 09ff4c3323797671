using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>A tensor's place in an adapter's one buffer.</summary>
/// <param name="Offset">First element.</param>
internal sealed record View(long Offset, long[] Shape)
{
    public long Length => Shape.Aggregate(1L, (count, size) => count * size);

    /// <summary>The tensor itself, of a buffer in this layout: the values, their gradients, or a copy in another dtype.</summary>
    public Tensor In(Tensor flat)
    {
        using Tensor part = flat.narrow(0, Offset, Length);
        return part.view(Shape);
    }
}
