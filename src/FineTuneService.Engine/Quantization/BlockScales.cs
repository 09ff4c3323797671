using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>The scales of a matrix' blocks.</summary>
internal abstract class BlockScales
{
    /// <summary>Everything that they hold.</summary>
    public abstract IEnumerable<Tensor> Tensors { get; }

    /// <summary>The scales of consecutive blocks, of tensors on the CPU.</summary>
    public abstract void Read(int first, Span<float> scales);

    /// <summary>All of them, fp32 [blocks], on the device where they lie.</summary>
    public abstract Tensor Values();
}

/// <summary>Scales in fp32.</summary>
/// <param name="scales">[blocks], detached from any dispose scope here.</param>
internal sealed class PlainScales(Tensor scales) : BlockScales
{
    private readonly Tensor _scales = scales.DetachFromDisposeScope();
    private readonly RowMemory _memory = scales.is_cpu() ? new RowMemory(scales) : default;

    public override IEnumerable<Tensor> Tensors => [_scales];

    public override unsafe void Read(int first, Span<float> scales) =>
        new ReadOnlySpan<float>(_memory.Row<float>(0) + first, scales.Length).CopyTo(scales);

    public override Tensor Values() => _scales.alias();
}
