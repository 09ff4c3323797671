using System.Numerics;
using System.Runtime.Intrinsics;

namespace FineTuneService.Engine.Kernels.Lanes;

/// <summary>
/// Some fp32 numbers side by side, so that a kernel's loop is written once and runs on 512 bits, 256 bits or one number at a time.
/// The types hold one register each and every member is inlined.
/// </summary>
internal unsafe interface ILanes<TSelf> :
    IAdditionOperators<TSelf, TSelf, TSelf>,
    ISubtractionOperators<TSelf, TSelf, TSelf>,
    IMultiplyOperators<TSelf, TSelf, TSelf>,
    IDivisionOperators<TSelf, TSelf, TSelf>
    where TSelf : struct, ILanes<TSelf>
{
    static abstract int Count { get; }

    /// <summary>The same value in every lane.</summary>
    static abstract TSelf Of(float value);

    static abstract TSelf Load(float* source);

    /// <summary>From the bits of bf16 numbers.</summary>
    static abstract TSelf Load(ushort* source);

    /// <summary>From signed bytes: of 32, as many as there are lanes.</summary>
    /// <param name="first">The first of them: 0, or a multiple of the lanes.</param>
    static abstract TSelf Of(Vector256<sbyte> bytes, int first);

    /// <summary>From pairs of bf16 numbers: the first of each, and the second.</summary>
    static abstract void LoadPairs(uint* source, out TSelf even, out TSelf odd);

    /// <summary>From pairs of finite fp16 numbers: the first of each, and the second.</summary>
    static abstract void LoadHalfPairs(uint* source, out TSelf even, out TSelf odd);

    static abstract void Store(TSelf values, float* target);

    /// <summary>As bf16: to nearest, ties to even; NaN stays NaN.</summary>
    static abstract void Store(TSelf values, ushort* target);

    /// <summary>The values rounded to bf16.</summary>
    static abstract TSelf RoundToBFloat16(TSelf values);

    /// <summary>a · b + c.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    static abstract TSelf Max(TSelf a, TSelf b);

    static abstract TSelf Min(TSelf a, TSelf b);

    static abstract TSelf Sqrt(TSelf values);

    /// <summary>-1, 0 or 1.</summary>
    static abstract TSelf Sign(TSelf values);

    /// <summary>To the nearest integers, ties to even.</summary>
    static abstract TSelf Round(TSelf values);

    /// <summary>2ⁿ for integers n in -126…127.</summary>
    static abstract TSelf PowerOfTwo(TSelf exponents);

    /// <summary>Sum over the lanes.</summary>
    static abstract float Sum(TSelf values);

    /// <summary>Largest of the lanes.</summary>
    static abstract float Largest(TSelf values);
}
