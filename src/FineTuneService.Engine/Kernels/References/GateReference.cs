using FineTuneService.Engine.Kernels.Gates;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="GatedKernel"/> and <see cref="GateKernel"/> compute, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class GateReference
{
    public static void Forward(GateKind gate, Tensor gateUp, Tensor y)
    {
        using var scope = NewDisposeScope();
        long width = y.shape[1];
        y.copy_(Value(gate, gateUp.narrow(1, 0, width)).mul_(gateUp.narrow(1, width, width)));
    }

    public static void Backward(GateKind gate, Tensor dy, Tensor gateUp, Tensor dGateUp)
    {
        using var scope = NewDisposeScope();
        long width = dy.shape[1];
        Tensor x = gateUp.narrow(1, 0, width).to_type(ScalarType.Float32), up = gateUp.narrow(1, width, width).to_type(ScalarType.Float32);
        Tensor gradient = dy.to_type(ScalarType.Float32), value = Value(gate, x), dGate = gradient.mul(up).mul_(Slope(gate, x));
        dGateUp.narrow(1, width, width).copy_(gradient.mul(value));
        dGateUp.narrow(1, 0, width).copy_(dGate);
    }

    public static Tensor Value(GateKind gate, Tensor x) => gate switch
    {
        GateKind.Silu => x.silu(),
        GateKind.Gelu => x.mul(Below(x)),
        GateKind.GeluTanh => x.mul(Inner(x).tanh_().add_(1)).mul_(0.5),
        GateKind.Relu => x.relu(),
        _ => x.relu().pow(2),
    };

    public static void ValueBackward(GateKind gate, Tensor dy, Tensor x, Tensor dx, float beta)
    {
        using var scope = NewDisposeScope();
        Tensor gradient = Slope(gate, x.to_type(ScalarType.Float32)).mul_(dy);
        if (beta == 0) dx.copy_(gradient);
        else dx.add_(gradient);
    }

    /// <summary>The derivative, for fp32 x.</summary>
    private static Tensor Slope(GateKind gate, Tensor x)
    {
        switch (gate)
        {
            case GateKind.Silu:
                Tensor sigmoid = x.sigmoid();
                return sigmoid.add(x.mul(sigmoid).mul_(sigmoid.neg().add_(1)));
            case GateKind.Gelu:
                return Below(x).add_(x.mul(x.pow(2).mul_(-0.5).exp_()).mul_(1 / Math.Sqrt(2 * Math.PI)));
            case GateKind.GeluTanh:
                Tensor tanh = Inner(x).tanh_(), inner = x.pow(2).mul_(3 * 0.044715).add_(1).mul_(Math.Sqrt(2 / Math.PI));
                return tanh.add(1).mul_(0.5).add_(tanh.pow(2).neg_().add_(1).mul_(x).mul_(inner).mul_(0.5));
            case GateKind.Relu: return x.gt(0).to_type(x.dtype);
            default: return x.relu().mul_(2);
        }
    }

    private static Tensor Below(Tensor x) => x.mul(1 / Math.Sqrt(2)).erf_().add_(1).mul_(0.5);

    private static Tensor Inner(Tensor x) => x.pow(3).mul_(0.044715).add_(x).mul_(Math.Sqrt(2 / Math.PI));
}
