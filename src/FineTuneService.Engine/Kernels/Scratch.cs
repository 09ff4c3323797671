using System.Runtime.InteropServices;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Numbers that a product's chunks read again and again, from a cache line's start: a register of 512 bits that lies over two lines is
/// loaded at half the speed.
/// </summary>
internal readonly unsafe struct Scratch(long count) : IDisposable
{
    private const int Line = 64;

    public float* Values { get; } = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, count) * sizeof(float), Line);

    public void Dispose() => NativeMemory.AlignedFree(Values);
}
