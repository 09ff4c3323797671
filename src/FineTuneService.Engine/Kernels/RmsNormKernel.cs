using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Root mean square norm, https://arxiv.org/abs/1910.07467, weighted and rounded as its <see cref="NormKind"/> says. Rows are
/// the last dimension, or its parts where the weight is narrower: each head of a token. x, y, weight and gradients by x have one dtype,
/// fp32 or bf16.
/// </summary>
internal static class RmsNormKernel
{
    /// <param name="x">[rows, heads·width].</param>
    /// <param name="weight">[width], or [heads, width] where each head has its own.</param>
    /// <param name="y">As x, written.</param>
    /// <param name="rstd">fp32 [rows·heads], written: 1 / sqrt(mean of x² + epsilon), for the backward.</param>
    public static void Forward(Tensor x, Tensor weight, float epsilon, Tensor y, Tensor rstd, NormKind kind = NormKind.Rms)
    {
        if (!x.is_cpu()) RmsNormReference.Forward(x, weight, epsilon, y, rstd, kind);
        else Run(new ForwardRows(new(x), null, null, new(weight), epsilon, new(y), new(rstd), kind), x, weight);
    }

    /// <summary><see cref="Forward"/> of sum = x + residual, in one pass.</summary>
    /// <param name="sum">As x, written.</param>
    public static void ResidualForward(
        Tensor x, Tensor residual, Tensor weight, float epsilon, Tensor sum, Tensor y, Tensor rstd, NormKind kind = NormKind.Rms)
    {
        if (!x.is_cpu()) RmsNormReference.ResidualForward(x, residual, weight, epsilon, sum, y, rstd, kind);
        else Run(new ForwardRows(new(x), new RowMemory(residual), new RowMemory(sum), new(weight), epsilon, new(y), new(rstd), kind), x, weight);
    }

    /// <summary>dx = rstd · (g - n · mean(g · n)) for n = x · rstd and g = dy · weight.</summary>
    /// <param name="dx">As x: written, or added to with <paramref name="accumulate"/>.</param>
    /// <param name="dWeight">As the weight, of any dtype: dy · n summed over the rows is added; null: not asked for.</param>
    public static void Backward(Tensor dy, Tensor x, Tensor weight, Tensor rstd, Tensor dx, bool accumulate, Tensor? dWeight, NormKind kind = NormKind.Rms)
    {
        if (!x.is_cpu()) RmsNormReference.Backward(dy, x, weight, rstd, dx, accumulate, dWeight, kind);
        else
        {
            if (dWeight is not null) RmsNormReference.WeightBackward(dy, x, rstd, dWeight);
            Run(new BackwardRows(new(dy), new(x), new(weight), new(rstd), new(dx), accumulate, kind), x, weight);
        }
    }

    private static void Run<TLoop>(TLoop loop, Tensor x, Tensor weight)
        where TLoop : struct, IRowLoop => RowLoops.Run(loop, x.dtype, (int)(x.numel() / weight.size(-1)), (int)weight.size(-1));

    private readonly unsafe struct ForwardRows(
        RowMemory x, RowMemory? residual, RowMemory? sum, RowMemory weight, float epsilon, RowMemory y, RowMemory rstd, NormKind kind) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int width = weight.Width, heads = x.Width / width;
            float* inverses = rstd.Row<float>(0);
            bool roundsFirst = kind == NormKind.Rms;
            TLanes offset = TLanes.Of(kind == NormKind.RmsOnePlus ? 1 : 0);
            for (int row = first; row < end; row++)
            {
                (int token, int head) = Math.DivRem(row, heads);
                int at = head * width;
                T* source = x.Row<T>(token) + at, target = y.Row<T>(token) + at, w = weight.Row<T>(weight.Count == 1 ? 0 : head);
                if (residual is { } other)
                {
                    T* total = sum!.Value.Row<T>(token) + at;
                    Add<TLanes, T>(source, other.Row<T>(token) + at, total, width);
                    source = total;
                }
                TLanes squares = TLanes.Of(0);
                for (int i = 0; i < width; i += TLanes.Count)
                {
                    TLanes value = Lane.Load<TLanes, T>(source + i, width - i);
                    squares = TLanes.MultiplyAdd(value, value, squares);
                }
                float inverse = 1 / MathF.Sqrt(TLanes.Sum(squares) / width + epsilon);
                inverses[row] = inverse;
                for (int i = 0; i < width; i += TLanes.Count)
                {
                    TLanes normed = Lane.Load<TLanes, T>(source + i, width - i) * TLanes.Of(inverse);
                    if (roundsFirst) normed = Lane.Rounded<TLanes, T>(normed);
                    Lane.Store(normed * (Lane.Load<TLanes, T>(w + i, width - i) + offset), target + i, width - i);
                }
            }
        }

        private static void Add<TLanes, T>(T* a, T* b, T* target, int width)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            for (int i = 0; i < width; i += TLanes.Count)
                Lane.Store(Lane.Load<TLanes, T>(a + i, width - i) + Lane.Load<TLanes, T>(b + i, width - i), target + i, width - i);
        }
    }

    private readonly unsafe struct BackwardRows(
        RowMemory dy, RowMemory x, RowMemory weight, RowMemory rstd, RowMemory dx, bool accumulate, NormKind kind) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int width = weight.Width, heads = x.Width / width;
            TLanes offset = TLanes.Of(kind == NormKind.RmsOnePlus ? 1 : 0);
            for (int row = first; row < end; row++)
            {
                (int token, int head) = Math.DivRem(row, heads);
                int at = head * width;
                T* gradient = dy.Row<T>(token) + at, source = x.Row<T>(token) + at, target = dx.Row<T>(token) + at, w = weight.Row<T>(weight.Count == 1 ? 0 : head);
                TLanes inverse = TLanes.Of(rstd.Row<float>(0)[row]), dots = TLanes.Of(0);
                for (int i = 0; i < width; i += TLanes.Count)
                {
                    TLanes g = Lane.Load<TLanes, T>(gradient + i, width - i) * (Lane.Load<TLanes, T>(w + i, width - i) + offset);
                    dots = TLanes.MultiplyAdd(g, Lane.Load<TLanes, T>(source + i, width - i) * inverse, dots);
                }
                TLanes mean = TLanes.Of(-TLanes.Sum(dots) / width);
                for (int i = 0; i < width; i += TLanes.Count)
                {
                    TLanes g = Lane.Load<TLanes, T>(gradient + i, width - i) * (Lane.Load<TLanes, T>(w + i, width - i) + offset);
                    TLanes d = TLanes.MultiplyAdd(Lane.Load<TLanes, T>(source + i, width - i) * inverse, mean, g) * inverse;
                    if (accumulate) d += Lane.Load<TLanes, T>(target + i, width - i);
                    Lane.Store(d, target + i, width - i);
                }
            }
        }
    }
}
