using FineTuneService.Engine.Models;

namespace FineTuneService.Benchmarks;

/// <summary>The option --dtype fp32|bf16; without it a benchmark runs in the dtype that this machine is fastest in.</summary>
internal static class DtypeOption
{
    /// <summary>False where the options are others.</summary>
    public static bool TryRead(ReadOnlySpan<string> options, out ComputeDtype dtype)
    {
        dtype = MachineDtype.Fastest;
        if (options.IsEmpty) return true;
        return options is ["--dtype", var name] && TryParse(name, out dtype);
    }

    public static string Name(ComputeDtype dtype) => dtype == ComputeDtype.Bf16 ? "bf16" : "fp32";

    public static bool TryParse(string name, out ComputeDtype dtype)
    {
        dtype = name == "bf16" ? ComputeDtype.Bf16 : ComputeDtype.Fp32;
        return name == Name(dtype);
    }
}
