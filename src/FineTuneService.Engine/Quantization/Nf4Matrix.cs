using System.Runtime.InteropServices;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>One matrix in nf4, as bitsandbytes' Linear4bit keeps it: codes, and a scale a block or its double quantization.</summary>
internal sealed class Nf4Matrix
{
    /// <summary>Blocks that one chunk of a threaded loop takes.</summary>
    private const int ChunkBlocks = 512;

    private readonly byte[] _packed;
    private readonly float[]? _scales;
    private readonly DoubleQuantization? _double;
    private readonly int _count;

    private Nf4Matrix(byte[] packed, float[]? scales, DoubleQuantization? doubled, int count) =>
        (_packed, _scales, _double, _count) = (packed, scales, doubled, count);

    public ReadOnlySpan<byte> Packed => _packed;

    /// <summary>The scale of an nf4 block.</summary>
    public float Scale(int block) => _scales is null ? _double![block] : _scales[block];

    /// <summary>The scales of consecutive nf4 blocks.</summary>
    public void Scales(int first, Span<float> scales)
    {
        if (_scales is null) _double!.Dequantize(first, scales);
        else _scales.AsSpan(first, scales.Length).CopyTo(scales);
    }

    public DoubleQuantization? Double => _double;

    /// <summary>Values it holds.</summary>
    public int Count => _count;

    public long Bytes => _packed.Length + (_double?.Bytes ?? _scales!.Length * sizeof(float));

    /// <param name="values">The matrix's values in row-major order, widened to fp32.</param>
    public static Nf4Matrix Quantize(float[] values, bool doubleQuantization)
    {
        var packed = new byte[Nf4.PackedBytes(values.Length)];
        var scales = new float[Nf4.Blocks(values.Length)];
        Chunks.Run((scales.Length + ChunkBlocks - 1) / ChunkBlocks, chunk =>
        {
            for (int block = chunk * ChunkBlocks; block < Math.Min(scales.Length, (chunk + 1) * ChunkBlocks); block++)
            {
                int start = block * Nf4.BlockSize, length = Math.Min(Nf4.BlockSize, values.Length - start);
                scales[block] = Nf4.QuantizeBlock(values.AsSpan(start, length), packed.AsSpan(start / 2, (length + 1) / 2));
            }
        });
        return doubleQuantization
            ? new Nf4Matrix(packed, null, DoubleQuantization.Of(scales), values.Length)
            : new Nf4Matrix(packed, scales, null, values.Length);
    }

    /// <summary>From what another program stored.</summary>
    public static Nf4Matrix Stored(byte[] packed, float[]? scales, DoubleQuantization? doubled, int count) => new(packed, scales, doubled, count);

    /// <summary>Writes the values into rows of a contiguous fp32 or bf16 CPU tensor.</summary>
    public void Dequantize(Tensor output)
    {
        if (output.dtype is not (ScalarType.Float32 or ScalarType.BFloat16)) throw new ArgumentException($"nf4 is not dequantised to {output.dtype}");
        bool bf16 = output.dtype == ScalarType.BFloat16;
        int blocks = (int)Nf4.Blocks(_count);
        Chunks.Run((blocks + ChunkBlocks - 1) / ChunkBlocks, chunk =>
        {
            Span<byte> memory = output.bytes;
            for (int block = chunk * ChunkBlocks; block < Math.Min(blocks, (chunk + 1) * ChunkBlocks); block++)
            {
                int start = block * Nf4.BlockSize, length = Math.Min(Nf4.BlockSize, _count - start);
                ReadOnlySpan<byte> packed = _packed.AsSpan(start / 2, (length + 1) / 2);
                if (bf16) Nf4Kernel.Dequantize(packed, Scale(block), MemoryMarshal.Cast<byte, ushort>(memory).Slice(start, length));
                else Nf4Kernel.Dequantize(packed, Scale(block), MemoryMarshal.Cast<byte, float>(memory).Slice(start, length));
            }
        });
    }
}
