using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>The gated unit of https://arxiv.org/abs/2002.05202: y = silu(gate) · up, over gate and up side by side in a row.</summary>
internal static class SwiGluKernel
{
    /// <param name="gateUp">[rows, 2·width] fp32 or bf16: gate, then up.</param>
    /// <param name="y">[rows, width], written.</param>
    public static void Forward(Tensor gateUp, Tensor y)
    {
        if (!y.is_cpu()) SwiGluReference.Forward(gateUp, y);
        else RowLoops.Run(new ForwardRows(new(gateUp), new(y)), y.dtype, (int)y.size(0), (int)y.size(1));
    }

    /// <param name="dy">[rows, width].</param>
    /// <param name="gateUp">[rows, 2·width], as in the forward.</param>
    /// <param name="dGateUp">[rows, 2·width], written; may be <paramref name="gateUp"/> itself.</param>
    public static void Backward(Tensor dy, Tensor gateUp, Tensor dGateUp)
    {
        if (!dy.is_cpu()) SwiGluReference.Backward(dy, gateUp, dGateUp);
        else RowLoops.Run(new BackwardRows(new(dy), new(gateUp), new(dGateUp)), dy.dtype, (int)dy.size(0), (int)dy.size(1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Sigmoid<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes> => TLanes.Of(1) / (TLanes.Of(1) + Lane.Exp(TLanes.Of(0) - x));

    private readonly unsafe struct ForwardRows(RowMemory gateUp, RowMemory y) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int width = y.Width;
            for (int row = first; row < end; row++)
            {
                T* gate = gateUp.Row<T>(row), up = gate + width, target = y.Row<T>(row);
                for (int i = 0; i < width; i += TLanes.Count)
                {
                    TLanes g = Lane.Load<TLanes, T>(gate + i, width - i);
                    TLanes silu = Lane.Rounded<TLanes, T>(g * Sigmoid(g));
                    Lane.Store(silu * Lane.Load<TLanes, T>(up + i, width - i), target + i, width - i);
                }
            }
        }
    }

    private readonly unsafe struct BackwardRows(RowMemory dy, RowMemory gateUp, RowMemory dGateUp) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int width = dy.Width;
            TLanes one = TLanes.Of(1);
            for (int row = first; row < end; row++)
            {
                T* gradient = dy.Row<T>(row), gate = gateUp.Row<T>(row), up = gate + width;
                T* dGate = dGateUp.Row<T>(row), dUp = dGate + width;
                for (int i = 0; i < width; i += TLanes.Count)
                {
                    TLanes d = Lane.Load<TLanes, T>(gradient + i, width - i);
                    TLanes g = Lane.Load<TLanes, T>(gate + i, width - i), u = Lane.Load<TLanes, T>(up + i, width - i);
                    TLanes sigmoid = Sigmoid(g), silu = g * sigmoid;
                    Lane.Store(d * silu, dUp + i, width - i);
                    Lane.Store(d * u * TLanes.MultiplyAdd(silu, one - sigmoid, sigmoid), dGate + i, width - i);
                }
            }
        }
    }
}
