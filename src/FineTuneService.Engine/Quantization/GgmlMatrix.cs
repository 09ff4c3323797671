using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.Ggml;
using FineTuneService.Engine.Kernels.Thin;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>A matrix in ggml's blocks, as a GGUF file stores it; each row is whole blocks.</summary>
internal sealed unsafe class GgmlMatrix : WeightMatrix
{
    private readonly Tensor _blocks;
    private readonly RowMemory _memory;
    private readonly GgmlKernel? _kernel;

    /// <param name="blocks">uint8 [rows, bytes of a row]; the matrix', and no longer its dispose scope's.</param>
    public GgmlMatrix(Tensor blocks, GgmlType type, ScalarType dtype)
        : base((int)blocks.size(0), (int)(blocks.size(1) / type.Bytes * type.Values), dtype)
    {
        (_blocks, Type, _kernel) = (blocks.DetachFromDisposeScope(), type, GgmlKernel.Of(type));
        if (blocks.is_cpu()) _memory = new RowMemory(blocks);
    }

    public GgmlType Type { get; }

    public override IEnumerable<Tensor> Tensors => [_blocks];

    public override void Fill(Tensor dense) => Widen(null, dense);

    public override void Gather(Tensor indices, Tensor rows) => Widen(indices, rows);

    public override bool ReadsCodes(Tensor x) => _kernel is not null && x.is_cpu() && x.size(0) <= ThinProduct.MostTokens;

    public override void MultiplyCodes(Tensor x, Tensor y) => _kernel!.Forward(x, _memory, y);

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
        if (_kernel is not null) _kernel.Widen(blocks, indices, rows);
        else Chunks.Run(rows.Count, row => Decode(blocks.Row<byte>(indices is { } chosen ? (int)chosen.Row<long>(0)[row] : row), rows, row));
    }

    /// <summary>A row of a type that has no kernel.</summary>
    private void Decode(byte* row, RowMemory rows, int at)
    {
        var values = new float[Columns];
        Type.DecodeAll(new ReadOnlySpan<byte>(row, Columns / Type.Values * Type.Bytes), values);
        if (rows.Dtype == ScalarType.Float32) values.CopyTo(new Span<float>(rows.Row<float>(at), Columns));
        else for (int i = 0; i < Columns; i++) rows.Row<ushort>(at)[i] = FourBitKernel.Rounded(values[i]);
    }
}
