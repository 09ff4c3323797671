using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.Gates;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

/// <summary>Every activation function, gated and alone.</summary>
public sealed class GateKernelTests
{
    private const int Rows = 600;

    public static TheoryData<string, bool, int, GateKind> Cases =>
        new MatrixTheoryData<string, bool, int, GateKind>(KernelPaths.All, [false, true], KernelPaths.Columns, Enum.GetValues<GateKind>());

    [Theory, MemberData(nameof(Cases))]
    public void GatedForward_EveryPath_EqualsReference(string path, bool bf16, int width, GateKind gate)
    {
        using var on = new KernelPaths(path);
        Tensor gateUp = KernelPaths.Draw(1, KernelPaths.Dtype(bf16), Rows, 2 * width), y = gateUp.narrow(1, 0, width).contiguous();
        var made = new Guarded(y);
        GateReference.Forward(gate, gateUp, y);
        GatedKernel.Forward(gate, gateUp, made.Values);
        made.EqualTo(y);
    }

    /// <summary>The gradient may take the place of what it is the gradient by.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void GatedBackward_InPlaceOnEveryPath_EqualsReference(string path, bool bf16, int width, GateKind gate)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor gateUp = KernelPaths.Draw(1, dtype, Rows, 2 * width), dy = KernelPaths.Draw(2, dtype, Rows, width), dGateUp = empty_like(gateUp);
        var made = new Guarded(gateUp);
        GateReference.Backward(gate, dy, gateUp, dGateUp);
        GatedKernel.Backward(gate, dy, made.Values, made.Values);
        made.EqualTo(dGateUp);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Forward_EveryPath_EqualsReference(string path, bool bf16, int width, GateKind gate)
    {
        using var on = new KernelPaths(path);
        Tensor x = KernelPaths.Draw(1, KernelPaths.Dtype(bf16), Rows, width), y = GateReference.Value(gate, x.to_type(ScalarType.Float32)).to_type(x.dtype);
        var made = new Guarded(y);
        GateKernel.Forward(gate, x, made.Values);
        made.EqualTo(y);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Backward_EveryPath_EqualsReference(string path, bool bf16, int width, GateKind gate)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor x = KernelPaths.Draw(1, dtype, Rows, width), dy = KernelPaths.Draw(2, dtype, Rows, width), dx = KernelPaths.Draw(3, dtype, Rows, width);
        var made = new Guarded(dx);
        GateReference.ValueBackward(gate, dy, x, dx, beta: 1);
        GateKernel.Backward(gate, dy, x, made.Values, beta: 1);
        made.EqualTo(dx);
    }
}
