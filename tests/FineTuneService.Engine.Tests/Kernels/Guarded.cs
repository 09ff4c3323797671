using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

/// <summary>A tensor that a kernel writes to, with columns behind each row that it must leave alone.</summary>
internal sealed class Guarded
{
    private const int Behind = 16, Sentinel = 77;
    private readonly Tensor _whole;

    public Guarded(Tensor initial)
    {
        _whole = full([initial.shape[0], initial.shape[1] + Behind], Sentinel, initial.dtype);
        Values = _whole.narrow(1, 0, initial.shape[1]);
        Values.copy_(initial);
    }

    public Tensor Values { get; }

    public void EqualTo(Tensor reference)
    {
        KernelPaths.Equal(reference, Values);
        Assert.True(_whole.narrow(1, Values.shape[1], Behind).eq(Sentinel).all().item<bool>(), "the kernel wrote behind a row's end");
    }
}
