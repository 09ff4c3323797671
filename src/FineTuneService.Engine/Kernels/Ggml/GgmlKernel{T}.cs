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
    /// <summary>Tokens whose sums fit in registers beside the decoded weights.</summary>
    private const int Together = 4;

    private const int Step = 32;

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
        using Scratch wide = new((long)tokens * width), sums = new((long)tokens * groups);
        for (int token = 0; token < tokens; token++)
            Read(inputs, token, new Span<float>(wide.Values + (long)token * width, width), new Span<float>(sums.Values + (long)token * groups, groups));
        var output = new RowMemory(y);
        Chunks.Run((blocks.Count + chunk - 1) / chunk, i => Rows(i * chunk, Math.Min(blocks.Count, (i + 1) * chunk), wide.Values, sums.Values));

        void Rows(int first, int end, float* from, float* totals)
        {
            float* products = stackalloc float[ThinProduct.MostTokens];
            for (int row = first; row < end; row++)
            {
                Products(blocks.Row<byte>(row), width, from, totals, tokens, products);
                for (int token = 0; token < tokens; token++) Store(output, token, row, products[token]);
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

    private static void Products(byte* row, int width, float* x, float* sums, int tokens, float* products)
    {
        int token = 0, groups = width / TBlock.Group;
        for (; token + Together <= tokens; token += Together)
        {
            float* from = x + (long)token * width, totals = sums + (long)token * groups;
            if (RowLoops.InstructionSet == InstructionSet.Vector512) GgmlRows<Lanes512, TBlock>.Four(row, width, from, totals, products + token);
            else GgmlRows<Lanes256, TBlock>.Four(row, width, from, totals, products + token);
        }
        for (; token < tokens; token++)
        {
            float* from = x + (long)token * width, totals = sums + (long)token * groups;
            products[token] = RowLoops.InstructionSet == InstructionSet.Vector512
                ? GgmlRows<Lanes512, TBlock>.One(row, width, from, totals) : GgmlRows<Lanes256, TBlock>.One(row, width, from, totals);
        }
    }

    /// <summary>A token's numbers in fp32, as the weights come, and the sum of each group.</summary>
    private static void Read(RowMemory x, int token, Span<float> wide, Span<float> sums)
    {
        Span<float> step = stackalloc float[Step];
        for (int i = 0; i < wide.Length; i += Step)
        {
            for (int at = 0; at < Step; at++) step[at] = x.Value(token, i + at);
            for (int at = 0; at < Step; at++) wide[i + at] = step[TBlock.Place(at)];
            for (int group = 0; group < Step; group += TBlock.Group) sums[(i + group) / TBlock.Group] = System.Numerics.Tensors.TensorPrimitives.Sum(step.Slice(group, TBlock.Group));
        }
    }

    private static void Store(RowMemory output, int token, int row, float value)
    {
        if (output.Dtype == ScalarType.Float32) output.Row<float>(token)[row] = value;
        else Lane.Store(Lanes1.Of(value), output.Row<BFloat16>(token) + row, 1);
    }
}
