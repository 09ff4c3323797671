using System.Runtime.Intrinsics.X86;

namespace FineTuneService.Engine.Kernels;

/// <summary>What the processor can do, beyond what .NET's own classes say.</summary>
internal static class Processor
{
    /// <summary>
    /// Whether it has instructions that multiply bf16 numbers (AVX512_BF16 or AMX_BF16). Under DOTNET_EnableAVX512=0 it counts as having
    /// none, so that what such processors do can be tested on every machine.
    /// </summary>
    public static bool MultipliesBf16 { get; } = Avx512F.IsSupported && (HasAvx512Bf16() || HasAmxBf16());

    private static bool HasAvx512Bf16() => (X86Base.CpuId(7, 1).Eax & 1 << 5) != 0;

    private static bool HasAmxBf16() => (X86Base.CpuId(7, 0).Edx & 1 << 22) != 0;
}
