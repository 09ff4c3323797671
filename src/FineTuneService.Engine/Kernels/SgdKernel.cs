using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>The factors of one update of gradient descent.</summary>
/// <param name="L2">Weight decay: of the values, added to the gradients.</param>
/// <param name="Momentum">Of the old velocity; 0 in the first update, whose velocity is the gradient.</param>
/// <param name="Nesterov">Of the new velocity that is added to the gradient for the step; null steps by the velocity.</param>
internal readonly record struct SgdRates(float LearningRate, float L2, float Momentum, float? Nesterov);

/// <summary>Gradient descent with momentum, as torch.optim.SGD: v = μ·v + g, and p −= rate·v, or rate·(g + μ·v).</summary>
internal static class SgdKernel
{
    /// <summary>One update; the tensors are contiguous, of one length and one dtype, fp32 or bf16.</summary>
    /// <param name="velocity">The momentum buffer; null where there is no momentum.</param>
    public static void Step(Tensor values, Tensor gradients, Tensor? velocity, SgdRates rates)
    {
        if (!values.is_cpu())
        {
            SgdReference.Step(values, gradients, velocity, rates);
            return;
        }
        using Tensor flatValues = values.view(1, -1), flatGradients = gradients.view(1, -1);
        if (velocity is null)
        {
            ElementLoops.Run(new Plain(new(flatValues), new(flatGradients), rates), values);
            return;
        }
        using Tensor flatVelocity = velocity.view(1, -1);
        ElementLoops.Run(new Elements(new(flatValues), new(flatGradients), new(flatVelocity), rates), values);
    }

    private readonly unsafe struct Plain(RowMemory values, RowMemory gradients, SgdRates rates) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int stop = ElementLoops.End(end, values.Width);
            T* p = values.Row<T>(0), g = gradients.Row<T>(0);
            for (int i = first * ElementLoops.Width; i < stop; i += TLanes.Count)
            {
                TLanes value = Lane.Load<TLanes, T>(p + i, stop - i);
                TLanes gradient = Lane.Rounded<TLanes, T>(TLanes.MultiplyAdd(value, TLanes.Of(rates.L2), Lane.Load<TLanes, T>(g + i, stop - i)));
                Lane.Store(TLanes.MultiplyAdd(gradient, TLanes.Of(-rates.LearningRate), value), p + i, stop - i);
            }
        }
    }

    private readonly unsafe struct Elements(RowMemory values, RowMemory gradients, RowMemory velocity, SgdRates rates) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int stop = ElementLoops.End(end, values.Width);
            T* p = values.Row<T>(0), g = gradients.Row<T>(0), v = velocity.Row<T>(0);
            for (int i = first * ElementLoops.Width; i < stop; i += TLanes.Count)
            {
                TLanes value = Lane.Load<TLanes, T>(p + i, stop - i);
                TLanes gradient = Lane.Rounded<TLanes, T>(TLanes.MultiplyAdd(value, TLanes.Of(rates.L2), Lane.Load<TLanes, T>(g + i, stop - i)));
                TLanes kept = Lane.Rounded<TLanes, T>(Lane.Load<TLanes, T>(v + i, stop - i) * TLanes.Of(rates.Momentum));
                TLanes speed = Lane.Rounded<TLanes, T>(kept + gradient);
                TLanes step = rates.Nesterov is { } ahead ? Lane.Rounded<TLanes, T>(TLanes.MultiplyAdd(speed, TLanes.Of(ahead), gradient)) : speed;
                Lane.Store(TLanes.MultiplyAdd(step, TLanes.Of(-rates.LearningRate), value), p + i, stop - i);
                Lane.Store(speed, v + i, stop - i);
            }
        }
    }
}
