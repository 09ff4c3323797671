using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models;

/// <summary>Which dtype this machine computes faster in: bf16 products are twice fp32's where the processor has them, and no faster elsewhere.</summary>
public static class MachineDtype
{
    public static ComputeDtype Fastest { get; } =
        Processor.MultipliesBf16 || TorchSharp.torch.cuda.is_available() ? ComputeDtype.Bf16 : ComputeDtype.Fp32;
}
