namespace FineTuneService.Engine.Models;

/// <summary>Which dtype this machine computes faster in: oneDNN's bf16 products are twice fp32's where the CPU has them, and slow elsewhere.</summary>
public static class MachineDtype
{
    public static ComputeDtype Fastest { get; } = HasBf16Products() ? ComputeDtype.Bf16 : ComputeDtype.Fp32;

    private static bool HasBf16Products()
    {
        const string Info = "/proc/cpuinfo";
        if (TorchSharp.torch.cuda.is_available()) return true;
        if (!File.Exists(Info)) return false;
        string flags = File.ReadLines(Info).FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal)) ?? "";
        return flags.Split(' ').Any(flag => flag is "avx512_bf16" or "amx_bf16");
    }
}
