using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using TorchSharp;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.Ggml;

/// <summary>The loops of one type.</summary>
internal sealed unsafe class GgmlKernel<TBlock> : GgmlKernel
    where TBlock : struct, IGgmlBlock
{
    /// <summary>Tokens, or rows, whose sums fit in registers beside the decoded weights.</summary>
    private const int Together = 4;

    private const int Step = 32;

    /// <summary>Weights of a product's chunk: a microsecond's, as a product takes a few dozens of them, and its last chunk leaves other cores idle.</summary>
    private const int ProductValues = 1 << 14;

    private static readonly int[] s_places = [.. Enumerable.Range(0, Step).Select(TBlock.Place)];

    public override void Widen(RowMemory blocks, RowMemory? indices, RowMemory values)
    {
        int chunk = Math.Max(1, ChunkValues / values.Width);
        Chunks.Run((values.Count + chunk - 1) / chunk, i =>
        {
            for (int row = i * chunk; row < Math.Min(values.Count, (i + 1) * chunk); row++)
                Widen(blocks.Row<byte>(indices is { } chosen ? (int)chosen.Row<long>(0)[row] : row), values, row);
        });
    }

    public override void Forward(Tensor x, RowMemory blocks, Tensor y)
    {
        var inputs = new RowMemory(x);
        int tokens = inputs.Count, width = inputs.Width, chunk = Math.Max(1, ProductValues / width / Together) * Together;
        using var wide = new Scratch((long)tokens * width);
        for (int token = 0; token < tokens; token++) Read(inputs, token, wide.Values + (long)token * width, width);
        var output = new RowMemory(y);
        Chunks.Run((blocks.Count + chunk - 1) / chunk, i => Rows(i * chunk, Math.Min(chunk, blocks.Count - i * chunk), wide.Values));

        void Rows(int first, int rows, float* from)
        {
            float* products = stackalloc float[Together * rows];
            byte* row = blocks.Row<byte>(first);
            nint next = (nint)(blocks.Row<byte>(first + 1) - row);
            for (int token = 0; token < tokens;)
            {
                int some = tokens - token < Together ? 1 : Together;
                Products(row, next, rows, width, from + (long)token * width, some, products);
                for (int i = 0; i < some; i++, token++) Store(products + i * rows, rows, output, token, first);
            }
        }
    }

    private static void Widen(byte* row, RowMemory values, int at)
    {
        bool wide = values.Dtype == ScalarType.Float32;
        switch (RowLoops.InstructionSet)
        {
            case InstructionSet.Vector512 when wide: GgmlRows<Lanes512, TBlock>.Widen(row, values.Width, values.Row<float>(at)); break;
            case InstructionSet.Vector512: GgmlRows<Lanes512, TBlock>.Widen(row, values.Width, values.Row<BFloat16>(at)); break;
            case InstructionSet.Vector256 when wide: GgmlRows<Lanes256, TBlock>.Widen(row, values.Width, values.Row<float>(at)); break;
            default: GgmlRows<Lanes256, TBlock>.Widen(row, values.Width, values.Row<BFloat16>(at)); break;
        }
    }

    private static void Products(byte* row, nint next, int rows, int width, float* x, int tokens, float* products)
    {
        switch (RowLoops.InstructionSet)
        {
            case InstructionSet.Vector512 when tokens == Together: GgmlRows<Lanes512, TBlock>.Four(row, next, rows, width, x, products); break;
            case InstructionSet.Vector512: GgmlRows<Lanes512, TBlock>.One(row, next, rows, width, x, products); break;
            case InstructionSet.Vector256 when tokens == Together: GgmlRows<Lanes256, TBlock>.Four(row, next, rows, width, x, products); break;
            default: GgmlRows<Lanes256, TBlock>.One(row, next, rows, width, x, products); break;
        }
    }

    /// <summary>A token's numbers in fp32, as the weights come.</summary>
    private static void Read(RowMemory x, int token, float* wide, int width)
    {
        float* step = stackalloc float[Step];
        fixed (int* places = s_places)
        {
            for (int i = 0; i < width; i += Step)
            {
                float* from = x.Dtype == ScalarType.Float32 ? x.Row<float>(token) + i : Widened(x.Row<ushort>(token) + i, step);
                for (int at = 0; at < Step; at++) wide[i + at] = from[places[at]];
            }
        }
    }

    private static float* Widened(ushort* bf16, float* step)
    {
        for (int at = 0; at < Step; at++) step[at] = BitConverter.UInt32BitsToSingle((uint)bf16[at] << 16);
        return step;
    }

    private static void Store(float* products, int rows, RowMemory output, int token, int first)
    {
        if (output.Dtype == ScalarType.Float32) new ReadOnlySpan<float>(products, rows).CopyTo(new Span<float>(output.Row<float>(token) + first, rows));
        else
        {
            for (int i = 0; i < rows; i++) Lane.Store(Lanes1.Of(products[i]), output.Row<BFloat16>(token) + first + i, 1);
        }
    }
}
