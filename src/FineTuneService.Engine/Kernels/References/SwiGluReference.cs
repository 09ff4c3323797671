using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="SwiGluKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class SwiGluReference
{
    public static void Forward(Tensor gateUp, Tensor y)
    {
        using var scope = NewDisposeScope();
        long width = y.shape[1];
        y.copy_(gateUp.narrow(1, 0, width).silu().mul_(gateUp.narrow(1, width, width)));
    }

    public static void Backward(Tensor dy, Tensor gateUp, Tensor dGateUp)
    {
        using var scope = NewDisposeScope();
        long width = dy.shape[1];
        Tensor gate = gateUp.narrow(1, 0, width).to_type(ScalarType.Float32), up = gateUp.narrow(1, width, width).to_type(ScalarType.Float32);
        Tensor gradient = dy.to_type(ScalarType.Float32), sigmoid = gate.sigmoid(), silu = gate.mul(sigmoid);
        Tensor dGate = gradient.mul(up).mul_(sigmoid.add(silu.mul(sigmoid.neg().add_(1))));
        dGateUp.narrow(1, width, width).copy_(gradient.mul(silu));
        dGateUp.narrow(1, 0, width).copy_(dGate);
    }
}
