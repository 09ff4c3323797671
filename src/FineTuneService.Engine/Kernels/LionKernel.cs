using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>The factors of one update of Lion.</summary>
/// <param name="Decay">Multiplies the values: decoupled weight decay.</param>
/// <param name="Beta1">Of the mean in the direction of the step.</param>
/// <param name="Share1">Of the gradient in it: 1 - Beta1.</param>
/// <param name="Beta2">Of the old mean in the new one.</param>
/// <param name="Share2">Of the gradient in it.</param>
internal readonly record struct LionRates(float LearningRate, float Decay, float Beta1, float Share1, float Beta2, float Share2)
{
    public static LionRates Of(double learningRate, double beta1, double beta2, double weightDecay) => new(
        (float)learningRate, (float)(1 - learningRate * weightDecay), (float)beta1, (float)(1 - beta1), (float)beta2, (float)(1 - beta2));
}

/// <summary>Lion, https://arxiv.org/abs/2302.06675, in bitsandbytes' order: decay, a step of the rate by the direction's sign, then the mean.</summary>
internal static class LionKernel
{
    /// <summary>One update; all three tensors are contiguous, of one length and one dtype, fp32 or bf16.</summary>
    /// <param name="mean">Running mean of the gradients.</param>
    public static void Step(Tensor values, Tensor gradients, Tensor mean, LionRates rates)
    {
        if (!values.is_cpu()) LionReference.Step(values, gradients, mean, rates);
        else
        {
            using Tensor flatValues = values.view(1, -1), flatGradients = gradients.view(1, -1), flatMean = mean.view(1, -1);
            ElementLoops.Run(new Elements(new(flatValues), new(flatGradients), new(flatMean), rates), values);
        }
    }

    private readonly unsafe struct Elements(RowMemory values, RowMemory gradients, RowMemory mean, LionRates rates) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int stop = ElementLoops.End(end, values.Width);
            T* p = values.Row<T>(0), g = gradients.Row<T>(0), m = mean.Row<T>(0);
            for (int i = first * ElementLoops.Width; i < stop; i += TLanes.Count)
            {
                TLanes gradient = Lane.Load<TLanes, T>(g + i, stop - i), average = Lane.Load<TLanes, T>(m + i, stop - i);
                TLanes direction = TLanes.Sign(average * TLanes.Of(rates.Beta1) + gradient * TLanes.Of(rates.Share1));
                TLanes decayed = Lane.Rounded<TLanes, T>(Lane.Load<TLanes, T>(p + i, stop - i) * TLanes.Of(rates.Decay));
                Lane.Store(decayed - direction * TLanes.Of(rates.LearningRate), p + i, stop - i);
                Lane.Store(average * TLanes.Of(rates.Beta2) + gradient * TLanes.Of(rates.Share2), m + i, stop - i);
            }
        }
    }
}
