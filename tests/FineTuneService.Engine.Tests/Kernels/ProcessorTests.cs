using System.Runtime.Intrinsics.X86;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class ProcessorTests
{
    [Fact]
    public void MultipliesBf16_AsTheKernelSaysWhereAvx512IsOn()
    {
        const string Info = "/proc/cpuinfo";
        Assert.SkipUnless(X86Base.IsSupported && File.Exists(Info), "no x86 Linux");
        string flags = File.ReadLines(Info).First(line => line.StartsWith("flags", StringComparison.Ordinal));
        bool listed = flags.Split(' ').Any(flag => flag is "avx512_bf16" or "amx_bf16");
        Assert.Equal(listed && Avx512F.IsSupported, Processor.MultipliesBf16);
    }

    [Fact]
    public void Fastest_OnACpu_IsBf16WhereItIsMultiplied()
    {
        Assert.SkipWhen(TorchSharp.torch.cuda.is_available(), "a GPU multiplies bf16");
        Assert.Equal(Processor.MultipliesBf16 ? ComputeDtype.Bf16 : ComputeDtype.Fp32, MachineDtype.Fastest);
        Assert.Equal(!Processor.MultipliesBf16, MatrixProduct.ThroughFp32);
    }
}
