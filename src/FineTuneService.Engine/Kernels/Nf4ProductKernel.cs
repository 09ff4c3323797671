using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Products of a few tokens with an nf4 matrix, straight from its codes: a token that is decoded reads an eighth of the bytes that
/// fp32 weights have, and nothing is written. A row is summed block by block in fp32, the scale taken in once a block; a token's
/// result is the same bits whatever other tokens are there. The reference is the product with the dequantised matrix.
/// </summary>
internal static class Nf4ProductKernel
{
    /// <summary>Above this, dequantising once for all tokens and a dense product are faster.</summary>
    private const int MostTokens = 16;

    /// <summary>Tokens whose sums fit in registers beside the decoded codes.</summary>
    private const int Together = 4;

    /// <summary>Weights of a chunk.</summary>
    private const int ChunkWeights = 1 << 16;

    /// <summary>Whether the product is for this kernel: few tokens, on a CPU with 512-bit registers, and blocks that do not cross rows.</summary>
    /// <param name="x">[tokens, width].</param>
    public static bool Fits(Tensor x, int width) =>
        Avx512F.IsSupported && x.shape[0] <= MostTokens && width % Nf4.BlockSize == 0 && x.device_type == TorchSharp.DeviceType.CPU;

    /// <summary>y[:, offset…] = x·Wᵀ.</summary>
    /// <param name="x">[tokens, in], fp32 or bf16.</param>
    /// <param name="matrix">W, [out, in].</param>
    /// <param name="y">[tokens, at least offset + out], of x's dtype.</param>
    public static void Forward(Tensor x, Nf4Matrix matrix, Tensor y, int offset)
    {
        int tokens = (int)x.shape[0], width = (int)x.shape[1], rows = matrix.Count / width;
        float[] inputs = ArrayPool<float>.Shared.Rent(tokens * width);
        Arrange(x, inputs.AsSpan(0, tokens * width));
        int chunk = Math.Max(1, ChunkWeights / width);
        var output = new RowMemory(y);
        Chunks.Run((rows + chunk - 1) / chunk, i =>
        {
            for (int row = i * chunk; row < Math.Min(rows, (i + 1) * chunk); row++) Row(inputs, tokens, width, matrix, row, output, offset + row);
        });
        ArrayPool<float>.Shared.Return(inputs);
    }

    /// <summary>Widens to fp32; of every 32 values the even ones come first, as a byte of codes holds an even and an odd one.</summary>
    private static void Arrange(Tensor x, Span<float> inputs)
    {
        bool bf16 = x.dtype == ScalarType.BFloat16;
        ReadOnlySpan<byte> bytes = x.bytes;
        ReadOnlySpan<float> wide = bf16 ? default : MemoryMarshal.Cast<byte, float>(bytes);
        ReadOnlySpan<ushort> narrow = bf16 ? MemoryMarshal.Cast<byte, ushort>(bytes) : default;
        for (int i = 0; i < inputs.Length; i++)
        {
            int from = (i & ~31) + (i % 32 < 16 ? 2 * (i % 32) : 2 * (i % 32 - 16) + 1);
            inputs[i] = bf16 ? BitConverter.UInt32BitsToSingle((uint)narrow[from] << 16) : wide[from];
        }
    }

    private static void Row(float[] inputs, int tokens, int width, Nf4Matrix matrix, int row, RowMemory output, int column)
    {
        Span<float> sums = stackalloc float[MostTokens];
        int token = 0;
        for (; token + Together <= tokens; token += Together) Four(inputs.AsSpan(token * width), width, matrix, row, sums[token..]);
        for (; token < tokens; token++) sums[token] = One(inputs.AsSpan(token * width), width, matrix, row);
        for (token = 0; token < tokens; token++) Store(output, token, column, sums[token]);
    }

    private static float One(ReadOnlySpan<float> x, int width, Nf4Matrix matrix, int row)
    {
        Vector512<float> book = Vector512.Create<float>(Nf4.Codes), sum = default;
        ref byte codes = ref Codes(matrix, row, width);
        ref float at = ref MemoryMarshal.GetReference(x);
        int block = row * (width / Nf4.BlockSize);
        for (int i = 0; i < width; i += Nf4.BlockSize, block++)
            sum += Block(Decode(book, ref Unsafe.Add(ref codes, i / 2)), ref Unsafe.Add(ref at, i)) * matrix.Scale(block);
        return Vector512.Sum(sum);
    }

    private static void Four(ReadOnlySpan<float> x, int width, Nf4Matrix matrix, int row, Span<float> sums)
    {
        Vector512<float> book = Vector512.Create<float>(Nf4.Codes), sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        ref byte codes = ref Codes(matrix, row, width);
        ref float at = ref MemoryMarshal.GetReference(x);
        int block = row * (width / Nf4.BlockSize);
        for (int i = 0; i < width; i += Nf4.BlockSize, block++)
        {
            Decoded weights = Decode(book, ref Unsafe.Add(ref codes, i / 2));
            float scale = matrix.Scale(block);
            sum0 += Block(weights, ref Unsafe.Add(ref at, i)) * scale;
            sum1 += Block(weights, ref Unsafe.Add(ref at, width + i)) * scale;
            sum2 += Block(weights, ref Unsafe.Add(ref at, 2 * width + i)) * scale;
            sum3 += Block(weights, ref Unsafe.Add(ref at, 3 * width + i)) * scale;
        }
        (sums[0], sums[1], sums[2], sums[3]) = (Vector512.Sum(sum0), Vector512.Sum(sum1), Vector512.Sum(sum2), Vector512.Sum(sum3));
    }

    private static ref byte Codes(Nf4Matrix matrix, int row, int width) =>
        ref Unsafe.Add(ref MemoryMarshal.GetReference(matrix.Packed), (nint)row * width / 2);

    /// <summary>The code book's values of 64 codes: evens and odds of the first 32, then of the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Decoded Decode(Vector512<float> book, ref byte codes)
    {
        // The permutation looks at an index's low four bits only, which are the odd value's code.
        Vector512<int> first = Avx512F.ConvertToVector512Int32(Vector128.LoadUnsafe(ref codes));
        Vector512<int> second = Avx512F.ConvertToVector512Int32(Vector128.LoadUnsafe(ref codes, 16));
        return new Decoded(
            Avx512F.PermuteVar16x32(book, first >> 4), Avx512F.PermuteVar16x32(book, first),
            Avx512F.PermuteVar16x32(book, second >> 4), Avx512F.PermuteVar16x32(book, second));
    }

    /// <summary>16 partial sums of 64 products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Block(Decoded weights, ref float x)
    {
        Vector512<float> first = Vector512.MultiplyAddEstimate(weights.Odd0, Vector512.LoadUnsafe(ref x, 16), weights.Even0 * Vector512.LoadUnsafe(ref x));
        return Vector512.MultiplyAddEstimate(
            weights.Even1, Vector512.LoadUnsafe(ref x, 32), Vector512.MultiplyAddEstimate(weights.Odd1, Vector512.LoadUnsafe(ref x, 48), first));
    }

    private static unsafe void Store(RowMemory output, int row, int column, float value)
    {
        if (output.Dtype == ScalarType.Float32) output.Row<float>(row)[column] = value;
        else output.Row<ushort>(row)[column] = Nf4Kernel.Rounded(value);
    }

    private readonly record struct Decoded(Vector512<float> Even0, Vector512<float> Odd0, Vector512<float> Even1, Vector512<float> Odd1);
}
