using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// AdamW, https://arxiv.org/abs/1711.05101, in torch's order of operations: each rounds to the tensors' dtype, which shows in bf16.
/// </summary>
internal static class AdamWKernel
{
    private const int Width = 1024;

    /// <summary>One update; all four tensors are contiguous, of one length and one dtype, fp32 or bf16.</summary>
    /// <param name="mean">Running mean of the gradients.</param>
    /// <param name="meanSquare">Running mean of their squares.</param>
    /// <param name="step">This update's number, from 1.</param>
    public static void Step(
        Tensor values, Tensor gradients, Tensor mean, Tensor meanSquare,
        double learningRate, double beta1, double beta2, double epsilon, double weightDecay, int step)
    {
        Rates rates = Rates.Of(learningRate, beta1, beta2, epsilon, weightDecay, step);
        if (!values.is_cpu()) AdamWReference.Step(values, gradients, mean, meanSquare, rates);
        else
        {
            using Tensor flatValues = values.view(1, -1), flatGradients = gradients.view(1, -1);
            using Tensor flatMean = mean.view(1, -1), flatMeanSquare = meanSquare.view(1, -1);
            var loop = new Elements(new(flatValues), new(flatGradients), new(flatMean), new(flatMeanSquare), rates);
            RowLoops.Run(loop, values.dtype, (int)((values.numel() + Width - 1) / Width), Width);
        }
    }

    /// <summary>The factors of one update.</summary>
    /// <param name="Decay">Multiplies the values.</param>
    /// <param name="MeanShare">Of the gradient in the new mean.</param>
    /// <param name="SquareKept">Of the old mean square.</param>
    /// <param name="SquareShare">Of the gradient's square in the new mean square.</param>
    /// <param name="SquareCorrection">Divides the mean square's root.</param>
    /// <param name="Epsilon">Added to it then.</param>
    /// <param name="StepSize">Negative: multiplies mean / root.</param>
    internal readonly record struct Rates(
        float Decay, float MeanShare, float SquareKept, float SquareShare, float SquareCorrection, float Epsilon, float StepSize)
    {
        public static Rates Of(double learningRate, double beta1, double beta2, double epsilon, double weightDecay, int step)
        {
            double correction1 = 1 - Math.Pow(beta1, step), correction2 = Math.Sqrt(1 - Math.Pow(beta2, step));
            return new Rates(
                (float)(1 - learningRate * weightDecay), (float)(1 - beta1), (float)beta2, (float)(1 - beta2), (float)correction2,
                (float)epsilon, (float)(-learningRate / correction1));
        }
    }

    private readonly unsafe struct Elements(
        RowMemory values, RowMemory gradients, RowMemory mean, RowMemory meanSquare, Rates rates) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int stop = (int)Math.Min(values.Width, (long)end * Width);
            T* p = values.Row<T>(0), g = gradients.Row<T>(0), m = mean.Row<T>(0), v = meanSquare.Row<T>(0);
            for (int i = first * Width; i < stop; i += TLanes.Count)
            {
                TLanes gradient = Lane.Load<TLanes, T>(g + i, stop - i);
                TLanes average = Lane.Load<TLanes, T>(m + i, stop - i);
                TLanes change = Rounded<TLanes, T>(Rounded<TLanes, T>(gradient - average) * TLanes.Of(rates.MeanShare));
                average = Rounded<TLanes, T>(average + change);
                TLanes square = Rounded<TLanes, T>(Lane.Load<TLanes, T>(v + i, stop - i) * TLanes.Of(rates.SquareKept));
                square = Rounded<TLanes, T>(TLanes.MultiplyAdd(gradient * gradient, TLanes.Of(rates.SquareShare), square));
                TLanes root = Rounded<TLanes, T>(TLanes.Sqrt(square));
                root = Rounded<TLanes, T>(Rounded<TLanes, T>(root / TLanes.Of(rates.SquareCorrection)) + TLanes.Of(rates.Epsilon));
                TLanes decayed = Rounded<TLanes, T>(Lane.Load<TLanes, T>(p + i, stop - i) * TLanes.Of(rates.Decay));
                Lane.Store(TLanes.MultiplyAdd(average / root, TLanes.Of(rates.StepSize), decayed), p + i, stop - i);
                Lane.Store(average, m + i, stop - i);
                Lane.Store(square, v + i, stop - i);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static TLanes Rounded<TLanes, T>(TLanes values)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged => Lane.Rounded<TLanes, T>(values);
    }
}
