using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FineTuneService.Engine.Kernels.Lanes;
using TorchSharp;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>Width of the registers that kernels run on.</summary>
internal enum InstructionSet { Scalar, Vector256, Vector512 }

/// <summary>A kernel's loop over the rows of its tensors.</summary>
internal interface IRowLoop
{
    /// <summary>Works on rows [first, end), which are independent of all others.</summary>
    /// <typeparam name="TLanes">The numbers worked on at once.</typeparam>
    /// <typeparam name="T">Element type of the tensors: float or <see cref="BFloat16"/>.</typeparam>
    void Rows<TLanes, T>(int first, int end)
        where TLanes : struct, ILanes<TLanes>
        where T : unmanaged;
}

/// <summary>Runs row loops on all cores, on the widest registers that the processor has.</summary>
internal static class RowLoops
{
    /// <summary>Elements of a chunk: small enough to share a row loop evenly, large enough to hide the cost of handing it out.</summary>
    private const int ChunkElements = 1 << 15;

    /// <summary>
    /// For <see cref="IRowLoop.Rows"/>: compiled at once and whole. Inlined into the chunk's call, a loop would use up what the compiler
    /// inlines there, and its lanes' operations would become calls: causal softmax took four times as long.
    /// </summary>
    public const MethodImplOptions Compiled = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    /// <summary>What kernels run on; tests set it to hold each path against the reference.</summary>
    public static InstructionSet InstructionSet { get; set; } = Widest;

    public static InstructionSet Widest =>
        Avx512F.IsSupported ? InstructionSet.Vector512 : Vector128.IsHardwareAccelerated ? InstructionSet.Vector256 : InstructionSet.Scalar;

    /// <param name="width">Elements of a row, for the size of the chunks.</param>
    public static void Run<TLoop>(TLoop loop, ScalarType dtype, int rows, int width)
        where TLoop : struct, IRowLoop
    {
        int chunk = Math.Max(1, ChunkElements / Math.Max(1, width));
        Action<int> body = (InstructionSet, dtype) switch
        {
            (InstructionSet.Vector512, ScalarType.Float32) => i => loop.Rows<Lanes512, float>(i * chunk, Math.Min(rows, (i + 1) * chunk)),
            (InstructionSet.Vector512, ScalarType.BFloat16) => i => loop.Rows<Lanes512, BFloat16>(i * chunk, Math.Min(rows, (i + 1) * chunk)),
            (InstructionSet.Vector256, ScalarType.Float32) => i => loop.Rows<Lanes256, float>(i * chunk, Math.Min(rows, (i + 1) * chunk)),
            (InstructionSet.Vector256, ScalarType.BFloat16) => i => loop.Rows<Lanes256, BFloat16>(i * chunk, Math.Min(rows, (i + 1) * chunk)),
            (InstructionSet.Scalar, ScalarType.Float32) => i => loop.Rows<Lanes1, float>(i * chunk, Math.Min(rows, (i + 1) * chunk)),
            (InstructionSet.Scalar, ScalarType.BFloat16) => i => loop.Rows<Lanes1, BFloat16>(i * chunk, Math.Min(rows, (i + 1) * chunk)),
            _ => throw new ArgumentException($"kernels work on fp32 and bf16, not {dtype}"),
        };
        Chunks.Run((rows + chunk - 1) / chunk, body);
    }
}
