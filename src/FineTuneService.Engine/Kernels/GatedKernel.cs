using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Gates;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>The gated unit of https://arxiv.org/abs/2002.05202: y = gate(x) · up, over x and up side by side in a row.</summary>
internal static class GatedKernel
{
    /// <param name="gateUp">[rows, 2·width] fp32 or bf16: x, then up.</param>
    /// <param name="y">[rows, width], written.</param>
    public static void Forward(GateKind gate, Tensor gateUp, Tensor y)
    {
        if (!y.is_cpu()) GateReference.Forward(gate, gateUp, y);
        else
        {
            RowMemory input = new(gateUp), output = new(y);
            Action run = gate switch
            {
                GateKind.Silu => () => Run(new ForwardRows<Silu>(input, output), y),
                GateKind.Gelu => () => Run(new ForwardRows<Gelu>(input, output), y),
                GateKind.GeluTanh => () => Run(new ForwardRows<GeluTanh>(input, output), y),
                GateKind.Relu => () => Run(new ForwardRows<Relu>(input, output), y),
                _ => () => Run(new ForwardRows<SquaredRelu>(input, output), y),
            };
            run();
        }
    }

    /// <param name="dy">[rows, width].</param>
    /// <param name="gateUp">[rows, 2·width], as in the forward.</param>
    /// <param name="dGateUp">[rows, 2·width], written; may be <paramref name="gateUp"/> itself.</param>
    public static void Backward(GateKind gate, Tensor dy, Tensor gateUp, Tensor dGateUp)
    {
        if (!dy.is_cpu()) GateReference.Backward(gate, dy, gateUp, dGateUp);
        else
        {
            RowMemory gradient = new(dy), input = new(gateUp), output = new(dGateUp);
            Action run = gate switch
            {
                GateKind.Silu => () => Run(new BackwardRows<Silu>(gradient, input, output), dy),
                GateKind.Gelu => () => Run(new BackwardRows<Gelu>(gradient, input, output), dy),
                GateKind.GeluTanh => () => Run(new BackwardRows<GeluTanh>(gradient, input, output), dy),
                GateKind.Relu => () => Run(new BackwardRows<Relu>(gradient, input, output), dy),
                _ => () => Run(new BackwardRows<SquaredRelu>(gradient, input, output), dy),
            };
            run();
        }
    }

    private static void Run<TLoop>(TLoop loop, Tensor rows)
        where TLoop : struct, IRowLoop => RowLoops.Run(loop, rows.dtype, (int)rows.size(0), (int)rows.size(1));

    private readonly unsafe struct ForwardRows<TGate>(RowMemory gateUp, RowMemory y) : IRowLoop
        where TGate : IGate
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
                    TLanes value = Lane.Rounded<TLanes, T>(TGate.Value(Lane.Load<TLanes, T>(gate + i, width - i), out _));
                    Lane.Store(value * Lane.Load<TLanes, T>(up + i, width - i), target + i, width - i);
                }
            }
        }
    }

    private readonly unsafe struct BackwardRows<TGate>(RowMemory dy, RowMemory gateUp, RowMemory dGateUp) : IRowLoop
        where TGate : IGate
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int width = dy.Width;
            for (int row = first; row < end; row++)
            {
                T* gradient = dy.Row<T>(row), gate = gateUp.Row<T>(row), up = gate + width;
                T* dGate = dGateUp.Row<T>(row), dUp = dGate + width;
                for (int i = 0; i < width; i += TLanes.Count)
                {
                    TLanes d = Lane.Load<TLanes, T>(gradient + i, width - i), u = Lane.Load<TLanes, T>(up + i, width - i);
                    TLanes value = TGate.Value(Lane.Load<TLanes, T>(gate + i, width - i), out TLanes slope);
                    Lane.Store(d * value, dUp + i, width - i);
                    Lane.Store(d * u * slope, dGate + i, width - i);
                }
            }
        }
    }
}
