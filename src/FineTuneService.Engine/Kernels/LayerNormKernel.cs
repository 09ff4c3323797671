using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Layer norm, https://arxiv.org/abs/1607.06450: y = (x - mean) · rstd · weight + bias, in fp32 inside. Rows are the last dimension, or
/// its parts where the weight is narrower: each head of a token. All tensors but the statistics have one dtype, fp32 or bf16.
/// </summary>
internal static class LayerNormKernel
{
    /// <param name="x">[rows, heads·width].</param>
    /// <param name="weight">[width], or [heads, width] where each head has its own.</param>
    /// <param name="bias">As the weight, or null.</param>
    /// <param name="y">As x, written.</param>
    /// <param name="statistics">fp32 [rows·heads, 2], written: mean and 1 / sqrt(variance + epsilon), for the backward.</param>
    public static void Forward(Tensor x, Tensor weight, Tensor? bias, float epsilon, Tensor y, Tensor statistics)
    {
        if (!x.is_cpu()) LayerNormReference.Forward(x, weight, bias, epsilon, y, statistics);
        else Run(new ForwardRows(new(x), new(weight), bias is null ? null : new RowMemory(bias), epsilon, new(y), new(statistics)), x, weight);
    }

    /// <summary>dx = rstd · (g - mean(g) - n · mean(g · n)) for n = (x - mean) · rstd and g = dy · weight.</summary>
    /// <param name="dx">As x: written, or added to with <paramref name="accumulate"/>.</param>
    /// <param name="dWeight">As the weight, of any dtype: dy · n summed over the rows is added; null: not asked for.</param>
    /// <param name="dBias">As the weight: dy summed over the rows is added; null: not asked for.</param>
    public static void Backward(Tensor dy, Tensor x, Tensor weight, Tensor statistics, Tensor dx, bool accumulate, Tensor? dWeight, Tensor? dBias)
    {
        LayerNormReference.WeightBackward(dy, x, statistics, dWeight, dBias);
        if (!x.is_cpu()) LayerNormReference.Backward(dy, x, weight, statistics, dx, accumulate);
        else Run(new BackwardRows(new(dy), new(x), new(weight), new(statistics), new(dx), accumulate), x, weight);
    }

    private static void Run<TLoop>(TLoop loop, Tensor x, Tensor weight)
        where TLoop : struct, IRowLoop => RowLoops.Run(loop, x.dtype, (int)(x.numel() / weight.size(-1)), (int)weight.size(-1));

    private readonly unsafe struct ForwardRows(RowMemory x, RowMemory weight, RowMemory? bias, float epsilon, RowMemory y, RowMemory statistics) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int width = weight.Width, heads = x.Width / width;
            for (int row = first; row < end; row++)
            {
                (int token, int head) = Math.DivRem(row, heads);
                int at = head * width, own = weight.Count == 1 ? 0 : head;
                T* source = x.Row<T>(token) + at, target = y.Row<T>(token) + at, w = weight.Row<T>(own), b = bias is { } given ? given.Row<T>(own) : null;
                TLanes sum = TLanes.Of(0);
                for (int i = 0; i < width; i += TLanes.Count) sum += Lane.Load<TLanes, T>(source + i, width - i);
                float mean = TLanes.Sum(sum) / width;
                TLanes squares = TLanes.Of(0), middle = TLanes.Of(mean);
                for (int i = 0; i < width; i += TLanes.Count)
                {
                    TLanes away = Lane.Load<TLanes, T>(source + i, width - i, fill: mean) - middle;
                    squares = TLanes.MultiplyAdd(away, away, squares);
                }
                float inverse = 1 / MathF.Sqrt(TLanes.Sum(squares) / width + epsilon);
                (statistics.Row<float>(row)[0], statistics.Row<float>(row)[1]) = (mean, inverse);
                for (int i = 0; i < width; i += TLanes.Count)
                {
                    TLanes normed = (Lane.Load<TLanes, T>(source + i, width - i) - middle) * TLanes.Of(inverse) * Lane.Load<TLanes, T>(w + i, width - i);
                    if (b != null) normed += Lane.Load<TLanes, T>(b + i, width - i);
                    Lane.Store(normed, target + i, width - i);
                }
            }
        }
    }

    private readonly unsafe struct BackwardRows(RowMemory dy, RowMemory x, RowMemory weight, RowMemory statistics, RowMemory dx, bool accumulate) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int width = weight.Width, heads = x.Width / width;
            for (int row = first; row < end; row++)
            {
                (int token, int head) = Math.DivRem(row, heads);
                int at = head * width;
                T* gradient = dy.Row<T>(token) + at, source = x.Row<T>(token) + at, target = dx.Row<T>(token) + at, w = weight.Row<T>(weight.Count == 1 ? 0 : head);
                TLanes middle = TLanes.Of(statistics.Row<float>(row)[0]), inverse = TLanes.Of(statistics.Row<float>(row)[1]);
                TLanes sum = TLanes.Of(0), dots = TLanes.Of(0);
                for (int i = 0; i < width; i += TLanes.Count)
                {
                    TLanes g = Lane.Load<TLanes, T>(gradient + i, width - i) * Lane.Load<TLanes, T>(w + i, width - i);
                    sum += g; // Past the row's end g is 0, whatever x is.
                    dots = TLanes.MultiplyAdd(g, (Lane.Load<TLanes, T>(source + i, width - i) - middle) * inverse, dots);
                }
                TLanes mean = TLanes.Of(TLanes.Sum(sum) / width), slope = TLanes.Of(-TLanes.Sum(dots) / width);
                for (int i = 0; i < width; i += TLanes.Count)
                {
                    TLanes g = Lane.Load<TLanes, T>(gradient + i, width - i) * Lane.Load<TLanes, T>(w + i, width - i) - mean;
                    TLanes d = TLanes.MultiplyAdd((Lane.Load<TLanes, T>(source + i, width - i) - middle) * inverse, slope, g) * inverse;
                    if (accumulate) d += Lane.Load<TLanes, T>(target + i, width - i);
                    Lane.Store(d, target + i, width - i);
                }
            }
        }
    }
}
