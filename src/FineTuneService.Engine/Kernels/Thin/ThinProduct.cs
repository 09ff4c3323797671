using System.Buffers;
using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using TorchSharp;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.Thin;

/// <summary>
/// x·Wᵀ for a few tokens, with W read as it is stored. Decoding a token reads every weight once, so its speed is that of memory:
/// widening W first would read and write many times the bytes. A row of W is summed block by block in fp32, the scale taken in once
/// a block, and a token's result is the same bits whatever other tokens are there.
/// </summary>
internal static unsafe class ThinProduct
{
    /// <summary>Above this, widening W once for all tokens and a dense product are faster.</summary>
    public const int MostTokens = 16;

    /// <summary>Weights that share a scale.</summary>
    public const int Block = 64;

    /// <summary>Tokens whose sums fit in registers beside the decoded weights.</summary>
    private const int Together = 4;

    /// <summary>Weights of a chunk.</summary>
    private const int ChunkWeights = 1 << 16;

    private const int MostBlockBytes = Block * 2;

    /// <summary>y[:, offset…] = x·Wᵀ.</summary>
    /// <param name="x">[tokens, in], fp32 or bf16.</param>
    /// <param name="rows">Of W: its outputs.</param>
    /// <param name="y">[tokens, at least offset + rows], fp32 or bf16.</param>
    /// <param name="book">The values of W's codes, where they are looked up.</param>
    public static void Forward<TLanes, TDecoder, TWeight>(Tensor x, TWeight weight, int rows, Tensor y, int offset, float[] book)
        where TLanes : struct, ILanes<TLanes>
        where TDecoder : struct, IPairDecoder<TDecoder, TLanes>
        where TWeight : struct, IStoredRows
    {
        int tokens = (int)x.size(0), width = (int)x.size(1), blocks = (width + Block - 1) / Block;
        using var inputs = new Scratch((long)tokens * blocks * Block);
        Arrange(new RowMemory(x), TLanes.Count, blocks * Block, new Span<float>(inputs.Values, tokens * blocks * Block));
        int chunk = Math.Max(1, ChunkWeights / width);
        var output = new RowMemory(y);
        Chunks.Run((rows + chunk - 1) / chunk, i =>
            Rows<TLanes, TDecoder, TWeight>(inputs.Values, tokens, blocks, weight, i * chunk, Math.Min(rows, (i + 1) * chunk), output, offset, book));
    }

    /// <summary>Widens to fp32, a row padded with zeros to whole blocks; the numbers of as many pairs as there are lanes lie as a decoder
    /// gives weights: first the first ones.</summary>
    private static void Arrange(RowMemory x, int lanes, int padded, Span<float> inputs)
    {
        for (int token = 0; token < x.Count; token++)
        {
            Span<float> target = inputs.Slice(token * padded, padded);
            for (int i = 0; i < padded; i++)
            {
                int within = i % (2 * lanes), from = i - within + (within < lanes ? 2 * within : 2 * (within - lanes) + 1);
                target[i] = from < x.Width ? x.Value(token, from) : 0;
            }
        }
    }

    private static void Rows<TLanes, TDecoder, TWeight>(
        float* x, int tokens, int blocks, TWeight weight, int start, int end, RowMemory output, int offset, float[] book)
        where TLanes : struct, ILanes<TLanes>
        where TDecoder : struct, IPairDecoder<TDecoder, TLanes>
        where TWeight : struct, IStoredRows
    {
        float[] rented = ArrayPool<float>.Shared.Rent(blocks);
        Span<float> rowScales = rented.AsSpan(0, blocks);
        int blockBytes = Block / 2 * TDecoder.PairBytes, stride = blocks * Block;
        byte* last = stackalloc byte[MostBlockBytes];
        float* sums = stackalloc float[MostTokens];
        fixed (float* scales = rented, values = book)
        {
            for (int row = start; row < end; row++)
            {
                weight.Scales(row, rowScales);
                ReadOnlySpan<byte> stored = weight.Row(row);
                int whole = stored.Length / blockBytes;
                if (whole < blocks) Pad(stored[(whole * blockBytes)..], new Span<byte>(last, blockBytes));
                fixed (byte* first = stored)
                {
                    var blocksOfRow = new Blocks(first, last, whole, blocks, blockBytes, scales);
                    int token = 0;
                    for (; token + Together <= tokens; token += Together) Four<TLanes, TDecoder>(blocksOfRow, values, x + (long)token * stride, stride, sums + token);
                    for (; token < tokens; token++) sums[token] = One<TLanes, TDecoder>(blocksOfRow, values, x + (long)token * stride);
                }
                for (int token = 0; token < tokens; token++) Store(output, token, offset + row, sums[token]);
            }
        }
        ArrayPool<float>.Shared.Return(rented);
    }

    private static void Pad(ReadOnlySpan<byte> rest, Span<byte> block)
    {
        rest.CopyTo(block);
        block[rest.Length..].Clear();
    }

    [MethodImpl(RowLoops.Compiled)]
    private static float One<TLanes, TDecoder>(Blocks row, float* book, float* x)
        where TLanes : struct, ILanes<TLanes>
        where TDecoder : struct, IPairDecoder<TDecoder, TLanes>
    {
        TDecoder decoder = TDecoder.Make(book);
        TLanes sum = TLanes.Of(0);
        for (int block = 0; block < row.Count; block++)
        {
            TLanes products = TLanes.Of(0);
            byte* pairs = row.At(block);
            for (float* end = x + Block; x < end; x += 2 * TLanes.Count, pairs += TLanes.Count * TDecoder.PairBytes)
            {
                decoder.Decode(pairs, out TLanes even, out TLanes odd);
                products = Pair(even, odd, x, products);
            }
            sum = TLanes.MultiplyAdd(products, TLanes.Of(row.Scale(block)), sum);
        }
        return TLanes.Sum(sum);
    }

    /// <summary><see cref="One"/> for four tokens, which share the decoded weights.</summary>
    [MethodImpl(RowLoops.Compiled)]
    private static void Four<TLanes, TDecoder>(Blocks row, float* book, float* x, int stride, float* sums)
        where TLanes : struct, ILanes<TLanes>
        where TDecoder : struct, IPairDecoder<TDecoder, TLanes>
    {
        TDecoder decoder = TDecoder.Make(book);
        TLanes sum0 = TLanes.Of(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
        for (int block = 0; block < row.Count; block++)
        {
            TLanes products0 = TLanes.Of(0), products1 = products0, products2 = products0, products3 = products0;
            byte* pairs = row.At(block);
            for (float* end = x + Block; x < end; x += 2 * TLanes.Count, pairs += TLanes.Count * TDecoder.PairBytes)
            {
                decoder.Decode(pairs, out TLanes even, out TLanes odd);
                products0 = Pair(even, odd, x, products0);
                products1 = Pair(even, odd, x + stride, products1);
                products2 = Pair(even, odd, x + 2 * stride, products2);
                products3 = Pair(even, odd, x + 3 * stride, products3);
            }
            TLanes scale = TLanes.Of(row.Scale(block));
            sum0 = TLanes.MultiplyAdd(products0, scale, sum0);
            sum1 = TLanes.MultiplyAdd(products1, scale, sum1);
            sum2 = TLanes.MultiplyAdd(products2, scale, sum2);
            sum3 = TLanes.MultiplyAdd(products3, scale, sum3);
        }
        (sums[0], sums[1], sums[2], sums[3]) = (TLanes.Sum(sum0), TLanes.Sum(sum1), TLanes.Sum(sum2), TLanes.Sum(sum3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Pair<TLanes>(TLanes even, TLanes odd, float* x, TLanes products)
        where TLanes : struct, ILanes<TLanes> =>
        TLanes.MultiplyAdd(odd, TLanes.Load(x + TLanes.Count), TLanes.MultiplyAdd(even, TLanes.Load(x), products));

    private static void Store(RowMemory output, int row, int column, float value)
    {
        if (output.Dtype == ScalarType.Float32) output.Row<float>(row)[column] = value;
        else Lane.Store(Lanes1.Of(value), output.Row<BFloat16>(row) + column, 1);
    }

    /// <summary>A row's blocks, the last of them padded where the row does not fill it.</summary>
    private readonly struct Blocks(byte* first, byte* last, int whole, int count, int bytes, float* scales)
    {
        public int Count => count;

        public byte* At(int block) => block < whole ? first + (long)block * bytes : last;

        public float Scale(int block) => scales[block];
    }
}
