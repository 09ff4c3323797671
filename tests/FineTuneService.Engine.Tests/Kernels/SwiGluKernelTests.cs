using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class SwiGluKernelTests
{
    private const int Rows = 600;

    public static TheoryData<string, bool, int> Cases => KernelPaths.Cases;

    [Theory, MemberData(nameof(Cases))]
    public void Forward_EveryPath_EqualsReference(string path, bool bf16, int width)
    {
        using var on = new KernelPaths(path);
        Tensor gateUp = KernelPaths.Draw(1, KernelPaths.Dtype(bf16), Rows, 2 * width), y = gateUp.narrow(1, 0, width).contiguous();
        var made = new Guarded(y);
        SwiGluReference.Forward(gateUp, y);
        SwiGluKernel.Forward(gateUp, made.Values);
        made.EqualTo(y);
    }

    /// <summary>The gradient may take the place of what it is the gradient by.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void Backward_InPlaceOnEveryPath_EqualsReference(string path, bool bf16, int width)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor gateUp = KernelPaths.Draw(1, dtype, Rows, 2 * width), dy = KernelPaths.Draw(2, dtype, Rows, width), dGateUp = empty_like(gateUp);
        var made = new Guarded(gateUp);
        SwiGluReference.Backward(dy, gateUp, dGateUp);
        SwiGluKernel.Backward(dy, made.Values, made.Values);
        made.EqualTo(dGateUp);
    }
}
