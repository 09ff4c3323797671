using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>The factors of one update of Adam, or of AdamW.</summary>
/// <param name="Decay">Multiplies the values: decoupled weight decay.</param>
/// <param name="L2">Of the values, added to the gradients.</param>
/// <param name="MeanKept">Of the old mean.</param>
/// <param name="MeanShare">Of the gradient in the new mean.</param>
/// <param name="SquareKept">Of the old mean square.</param>
/// <param name="SquareShare">Of the gradient's square in the new mean square.</param>
/// <param name="SquareCorrection">Divides the mean square's root.</param>
/// <param name="Epsilon">Added to it then.</param>
/// <param name="StepSize">Negative: multiplies mean / root.</param>
internal readonly record struct AdamRates(
    float Decay, float L2, float MeanKept, float MeanShare, float SquareKept, float SquareShare, float SquareCorrection, float Epsilon, float StepSize)
{
    /// <param name="decoupled">AdamW's weight decay, https://arxiv.org/abs/1711.05101; else it is added to the gradients.</param>
    /// <param name="step">This update's number, from 1.</param>
    public static AdamRates Of(double learningRate, double beta1, double beta2, double epsilon, double weightDecay, int step, bool decoupled = true)
    {
        double correction1 = 1 - Math.Pow(beta1, step), correction2 = Math.Sqrt(1 - Math.Pow(beta2, step));
        return new AdamRates(
            decoupled ? (float)(1 - learningRate * weightDecay) : 1, decoupled ? 0 : (float)weightDecay,
            (float)beta1, (float)(1 - beta1), (float)beta2, (float)(1 - beta2), (float)correction2, (float)epsilon, (float)(-learningRate / correction1));
    }
}

/// <summary>
/// Adam, https://arxiv.org/abs/1412.6980, in torch's order of operations: each rounds to the tensors' dtype, which shows in bf16.
/// </summary>
internal static class AdamKernel
{
    /// <summary>One update; all four tensors are contiguous, of one length and one dtype, fp32 or bf16.</summary>
    /// <param name="mean">Running mean of the gradients.</param>
    /// <param name="meanSquare">Running mean of their squares.</param>
    public static void Step(Tensor values, Tensor gradients, Tensor mean, Tensor meanSquare, AdamRates rates)
    {
        if (!values.is_cpu()) AdamReference.Step(values, gradients, mean, meanSquare, rates);
        else
        {
            using Tensor flatValues = values.view(1, -1), flatGradients = gradients.view(1, -1);
            using Tensor flatMean = mean.view(1, -1), flatMeanSquare = meanSquare.view(1, -1);
            ElementLoops.Run(new Elements(new(flatValues), new(flatGradients), new(flatMean), new(flatMeanSquare), rates), values);
        }
    }

    private readonly unsafe struct Elements(
        RowMemory values, RowMemory gradients, RowMemory mean, RowMemory meanSquare, AdamRates rates) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int stop = ElementLoops.End(end, values.Width);
            T* p = values.Row<T>(0), g = gradients.Row<T>(0), m = mean.Row<T>(0), v = meanSquare.Row<T>(0);
            for (int i = first * ElementLoops.Width; i < stop; i += TLanes.Count)
            {
                TLanes value = Lane.Load<TLanes, T>(p + i, stop - i);
                TLanes gradient = Rounded<TLanes, T>(TLanes.MultiplyAdd(value, TLanes.Of(rates.L2), Lane.Load<TLanes, T>(g + i, stop - i)));
                TLanes average = Lane.Load<TLanes, T>(m + i, stop - i);
                average = Rounded<TLanes, T>(TLanes.MultiplyAdd(gradient - average, TLanes.Of(rates.MeanShare), average));
                TLanes square = Rounded<TLanes, T>(Lane.Load<TLanes, T>(v + i, stop - i) * TLanes.Of(rates.SquareKept));
                square = Rounded<TLanes, T>(TLanes.MultiplyAdd(TLanes.Of(rates.SquareShare) * gradient, gradient, square));
                TLanes root = Rounded<TLanes, T>(TLanes.Sqrt(square));
                root = Rounded<TLanes, T>(Rounded<TLanes, T>(root / TLanes.Of(rates.SquareCorrection)) + TLanes.Of(rates.Epsilon));
                TLanes decayed = Rounded<TLanes, T>(value * TLanes.Of(rates.Decay));
                Lane.Store(decayed + TLanes.Of(rates.StepSize) * average / root, p + i, stop - i);
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
