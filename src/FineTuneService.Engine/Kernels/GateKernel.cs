using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Gates;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>An activation function of every element: y = gate(x).</summary>
internal static class GateKernel
{
    /// <param name="x">[rows, width] fp32 or bf16.</param>
    /// <param name="y">[rows, width], written.</param>
    public static void Forward(GateKind gate, Tensor x, Tensor y)
    {
        if (!x.is_cpu()) y.copy_(GateReference.Value(gate, x));
        else Run(gate, x, null, y);
    }

    /// <summary>dx = beta · dx + dy · gate'(x).</summary>
    public static void Backward(GateKind gate, Tensor dy, Tensor x, Tensor dx, float beta)
    {
        if (!x.is_cpu()) GateReference.ValueBackward(gate, dy, x, dx, beta);
        else Run(gate, x, dy, dx, beta != 0);
    }

    private static void Run(GateKind gate, Tensor x, Tensor? dy, Tensor target, bool add = false)
    {
        RowMemory input = new(x), output = new(target);
        RowMemory? gradient = dy is null ? null : new RowMemory(dy);
        Action run = gate switch
        {
            GateKind.Silu => () => Run(new Rowwise<Silu>(input, gradient, output, add), x),
            GateKind.Gelu => () => Run(new Rowwise<Gelu>(input, gradient, output, add), x),
            GateKind.GeluTanh => () => Run(new Rowwise<GeluTanh>(input, gradient, output, add), x),
            GateKind.Relu => () => Run(new Rowwise<Relu>(input, gradient, output, add), x),
            _ => () => Run(new Rowwise<SquaredRelu>(input, gradient, output, add), x),
        };
        run();
    }

    private static void Run<TLoop>(TLoop loop, Tensor rows)
        where TLoop : struct, IRowLoop => RowLoops.Run(loop, rows.dtype, (int)rows.size(0), (int)rows.size(1));

    private readonly unsafe struct Rowwise<TGate>(RowMemory x, RowMemory? dy, RowMemory target, bool add) : IRowLoop
        where TGate : IGate
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int width = x.Width;
            for (int row = first; row < end; row++)
            {
                T* source = x.Row<T>(row), to = target.Row<T>(row), gradient = dy is { } given ? given.Row<T>(row) : null;
                for (int i = 0; i < width; i += TLanes.Count)
                {
                    TLanes result = TGate.Value(Lane.Load<TLanes, T>(source + i, width - i), out TLanes slope);
                    if (gradient != null) result = slope * Lane.Load<TLanes, T>(gradient + i, width - i);
                    if (add) result += Lane.Load<TLanes, T>(to + i, width - i);
                    Lane.Store(result, to + i, width - i);
                }
            }
        }
    }
}
