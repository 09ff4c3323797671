using System.Buffers;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.Thin;
using TorchSharp;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.Ggml;

/// <summary>The loops of one type.</summary>
internal sealed unsafe class GgmlKernel<TBlock> : GgmlKernel
    where TBlock : struct, IGgmlBlock
{
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
        int tokens = inputs.Count, width = inputs.Width, groups = width / TBlock.Group, chunk = Math.Max(1, ChunkValues / width);
        float[] wide = ArrayPool<float>.Shared.Rent(tokens * width), sums = ArrayPool<float>.Shared.Rent(tokens * groups);
        for (int token = 0; token < tokens; token++) Read(inputs, token, wide.AsSpan(token * width, width), sums.AsSpan(token * groups, groups));
        var output = new RowMemory(y);
        Chunks.Run((blocks.Count + chunk - 1) / chunk, i => Rows(i * chunk, Math.Min(blocks.Count, (i + 1) * chunk)));
        ArrayPool<float>.Shared.Return(wide);
        ArrayPool<float>.Shared.Return(sums);

        void Rows(int first, int end)
        {
            float* products = stackalloc float[ThinProduct.MostTokens];
            fixed (float* from = wide, totals = sums)
            {
                for (int row = first; row < end; row++)
                {
                    Products(blocks.Row<byte>(row), width, from, totals, tokens, products);
                    for (int token = 0; token < tokens; token++) Store(output, token, row, products[token]);
                }
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
            case InstructionSet.Vector256: GgmlRows<Lanes256, TBlock>.Widen(row, values.Width, values.Row<BFloat16>(at)); break;
            default:
                if (wide) GgmlRows<Lanes1, TBlock>.Widen(row, values.Width, values.Row<float>(at));
                else GgmlRows<Lanes1, TBlock>.Widen(row, values.Width, values.Row<BFloat16>(at));
                break;
        }
    }

    private static void Products(byte* row, int width, float* x, float* sums, int tokens, float* products)
    {
        switch (RowLoops.InstructionSet)
        {
            case InstructionSet.Vector512: GgmlRows<Lanes512, TBlock>.Products(row, width, x, sums, tokens, products); break;
            case InstructionSet.Vector256: GgmlRows<Lanes256, TBlock>.Products(row, width, x, sums, tokens, products); break;
            default: GgmlRows<Lanes1, TBlock>.Products(row, width, x, sums, tokens, products); break;
        }
    }

    /// <summary>A token's numbers in fp32, and the sum of each group.</summary>
    private static void Read(RowMemory x, int token, Span<float> wide, Span<float> sums)
    {
        if (x.Dtype == ScalarType.Float32) new ReadOnlySpan<float>(x.Row<float>(token), x.Width).CopyTo(wide);
        else for (int i = 0; i < wide.Length; i++) wide[i] = x.Value(token, i);
        for (int group = 0; TBlock.HasMinima && group < sums.Length; group++)
        {
            float sum = 0;
            foreach (float value in wide.Slice(group * TBlock.Group, TBlock.Group)) sum += value;
            sums[group] = sum;
        }
    }

    private static void Store(RowMemory output, int token, int row, float value)
    {
        if (output.Dtype == ScalarType.Float32) output.Row<float>(token)[row] = value;
        else Lane.Store(Lanes1.Of(value), output.Row<BFloat16>(token) + row, 1);
    }
}
