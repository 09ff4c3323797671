using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Kernels.Ggml;
using FineTuneService.Engine.Kernels.References;
using FineTuneService.Engine.Kernels.Thin;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>A matrix in ggml's blocks, as a GGUF file stores it; each row is whole blocks.</summary>
internal sealed class GgmlMatrix : WeightMatrix
{
    private readonly Tensor _blocks;
    private readonly RowMemory _memory;

    /// <param name="blocks">uint8 [rows, bytes of a row]; the matrix', and no longer its dispose scope's.</param>
    public GgmlMatrix(Tensor blocks, GgmlType type, ScalarType dtype)
        : base((int)blocks.size(0), (int)(blocks.size(1) / type.Bytes * type.Values), dtype)
    {
        (_blocks, Type) = (blocks.DetachFromDisposeScope(), type);
        if (blocks.is_cpu()) _memory = new RowMemory(blocks);
    }

    public GgmlType Type { get; }

    public override IEnumerable<Tensor> Tensors => [_blocks];

    public override void Fill(Tensor dense) => Widen(null, dense);

    public override void Gather(Tensor indices, Tensor rows) => Widen(indices, rows);

    public override bool ReadsCodes(Tensor x) => x.is_cpu() && x.size(0) <= ThinProduct.MostTokens && GgmlKernel.Of(Type) is not null;

    public override void MultiplyCodes(Tensor x, Tensor y) => GgmlKernel.Of(Type)!.Forward(x, _memory, y);

    public override WeightMatrix? Join(IReadOnlyList<WeightMatrix> parts)
    {
        GgmlMatrix[] all = [.. parts.Cast<GgmlMatrix>()];
        return all.All(part => part.Type == Type) ? new GgmlMatrix(cat([.. all.Select(part => part._blocks)]), Type, Dtype) : null;
    }

    /// <summary>On another device than the CPU, blocks are widened on the host and copied, which is slow.</summary>
    private void Widen(Tensor? indices, Tensor rows)
    {
        if (rows.is_cpu())
        {
            Widen(_memory, indices is null ? null : new RowMemory(indices), new RowMemory(rows));
            return;
        }
        using var scope = NewDisposeScope();
        Tensor host = empty(rows.shape, rows.dtype);
        Widen(new RowMemory(_blocks.cpu()), indices is null ? null : new RowMemory(indices.cpu()), new RowMemory(host));
        rows.copy_(host);
    }

    private void Widen(RowMemory blocks, RowMemory? indices, RowMemory rows)
    {
        if (GgmlKernel.Of(Type) is { } kernel) kernel.Widen(blocks, indices, rows);
        else GgmlReference.Widen(Type, blocks, indices, rows);
    }
}
