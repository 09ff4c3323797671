using System.Runtime.InteropServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.Thin;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>A matrix of 4-bit codes (nf4, fp4) in blocks that cross rows, and a scale a block or its double quantization.</summary>
internal sealed unsafe class FourBitMatrix : WeightMatrix
{
    /// <summary>bitsandbytes' own, and the one that products with few rows read.</summary>
    public const int DefaultBlock = 64;

    /// <summary>Values that one chunk of a threaded loop takes.</summary>
    private const int ChunkValues = 1 << 15;

    private readonly FourBitCode _code;
    private readonly int _blockSize;
    private readonly RowMemory _packed;

    /// <summary>What was quantised here, or what another program stored.</summary>
    /// <param name="packed">uint8, two codes a byte in row-major order, the first in the high nibble.</param>
    public FourBitMatrix(Tensor packed, BlockScales scales, FourBitCode code, int rows, int columns, ScalarType dtype, int blockSize = DefaultBlock)
        : base(rows, columns, dtype)
    {
        (Packed, Scales, _code, _blockSize) = (packed.DetachFromDisposeScope(), scales, code, blockSize);
        if (packed.is_cpu()) _packed = new RowMemory(packed);
    }

    public Tensor Packed { get; }

    public BlockScales Scales { get; }

    public override IEnumerable<Tensor> Tensors => [Packed, .. Scales.Tensors];

    public static long Blocks(long count, int blockSize) => (count + blockSize - 1) / blockSize;

    /// <param name="values">[rows, columns] fp32, bf16 or fp16, widened to fp32 for the arithmetic.</param>
    /// <param name="byTable">Scales are rounded by bitsandbytes' table, and not to the nearest code.</param>
    public static FourBitMatrix Quantize(Tensor values, FourBitCode code, bool doubleQuantization, ScalarType dtype, int blockSize = DefaultBlock, bool byTable = false)
    {
        using var scope = NewDisposeScope();
        Tensor wide = values.to(ScalarType.Float32, CPU).contiguous();
        long count = wide.numel();
        Tensor packed = empty([FourBitCode.PackedBytes(count)], ScalarType.Byte), scales = empty([Blocks(count, blockSize)], ScalarType.Float32);
        (RowMemory from, RowMemory codes, RowMemory absmax) = (new(wide), new(packed), new(scales));
        int chunk = Math.Max(1, ChunkValues / blockSize), blocks = (int)scales.numel();
        Chunks.Run((blocks + chunk - 1) / chunk, i =>
        {
            for (int block = i * chunk; block < Math.Min(blocks, (i + 1) * chunk); block++)
            {
                long start = (long)block * blockSize;
                int length = (int)Math.Min(blockSize, count - start);
                absmax.Row<float>(0)[block] = code.QuantizeBlock(
                    new(from.Row<float>(0) + start, length), new(codes.Row<byte>(0) + start / 2, (length + 1) / 2), whole: length == blockSize);
            }
        });
        BlockScales kept = doubleQuantization
            ? DoubleQuantization.Of(MemoryMarshal.Cast<byte, float>(scales.bytes), byTable) : new PlainScales(scales);
        return new FourBitMatrix(packed, kept, code, (int)values.size(0), (int)values.size(1), dtype, blockSize);
    }

    public override void Fill(Tensor dense)
    {
        if (!dense.is_cpu()) Decode(dense);
        else if (dense.dtype is ScalarType.Float32 or ScalarType.BFloat16) FillRows(new RowMemory(dense));
        else throw new ArgumentException($"4-bit codes are not widened to {dense.dtype}");
    }

    public override bool ReadsCodes(Tensor x) => FourBitProductKernel.Fits(x, _blockSize);

    public override void MultiplyCodes(Tensor x, Tensor y) => FourBitProductKernel.Forward(x, new StoredRows(this), _code.Values, y);

    private void FillRows(RowMemory dense)
    {
        long count = (long)Rows * Columns;
        int chunk = Math.Max(1, ChunkValues / _blockSize), blocks = (int)Blocks(count, _blockSize);
        Chunks.Run((blocks + chunk - 1) / chunk, i =>
        {
            int first = i * chunk, end = Math.Min(blocks, first + chunk);
            Span<float> scales = stackalloc float[end - first];
            Scales.Read(first, scales);
            for (int block = first; block < end; block++)
            {
                long start = (long)block * _blockSize;
                int length = (int)Math.Min(_blockSize, count - start);
                ReadOnlySpan<byte> packed = new(_packed.Row<byte>(0) + start / 2, (length + 1) / 2);
                if (dense.Dtype == ScalarType.BFloat16) FourBitKernel.Dequantize(packed, _code.Values, scales[block - first], new Span<ushort>(dense.Row<ushort>(0) + start, length));
                else FourBitKernel.Dequantize(packed, _code.Values, scales[block - first], new Span<float>(dense.Row<float>(0) + start, length));
            }
        });
    }

    /// <summary>The same by libtorch's operations, on any device.</summary>
    private void Decode(Tensor dense)
    {
        using var scope = NewDisposeScope();
        Tensor codes = stack([Packed.bitwise_right_shift(tensor((byte)4, device: Packed.device)), Packed.bitwise_and(tensor((byte)15, device: Packed.device))], 1);
        Tensor values = tensor(_code.Values, device: Packed.device).index_select(0, codes.flatten().to_type(ScalarType.Int64)).narrow(0, 0, dense.numel());
        Tensor scales = Scales.Values().repeat_interleave(_blockSize).narrow(0, 0, dense.numel());
        dense.copy_((values * scales).view(dense.shape));
    }

    private readonly struct StoredRows(FourBitMatrix matrix) : IStoredRows
    {
        public ReadOnlySpan<byte> Row(int row) => new(matrix._packed.Row<byte>(0) + (long)row * (matrix.Columns / 2), matrix.Columns / 2);

        public void Scales(int row, Span<float> scales) => matrix.Scales.Read(row * scales.Length, scales);
    }
}
