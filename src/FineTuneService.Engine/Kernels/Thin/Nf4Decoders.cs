using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Quantization;

namespace FineTuneService.Engine.Kernels.Thin;

/// <summary>Codes of nf4 by one permutation of the code book, which fills a 512-bit register.</summary>
internal readonly unsafe struct Nf4Decoder512(Vector512<float> book) : IPairDecoder<Nf4Decoder512, Lanes512>
{
    private readonly Vector512<float> _book = book;

    public static int PairBytes => 1;

    public static Nf4Decoder512 Make() => new(Vector512.Create<float>(Nf4.Codes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Decode(byte* pairs, out Lanes512 even, out Lanes512 odd)
    {
        // The permutation looks at an index's low four bits only, which are the second code.
        Vector512<int> codes = Avx512F.ConvertToVector512Int32(Vector128.Load(pairs));
        even = new Lanes512(Avx512F.PermuteVar16x32(_book, codes >> 4));
        odd = new Lanes512(Avx512F.PermuteVar16x32(_book, codes));
    }
}

/// <summary>Codes of nf4 by two permutations, one of each half of the code book.</summary>
internal readonly unsafe struct Nf4Decoder256(Vector256<float> low, Vector256<float> high) : IPairDecoder<Nf4Decoder256, Lanes256>
{
    private readonly Vector256<float> _low = low, _high = high;

    public static int PairBytes => 1;

    public static Nf4Decoder256 Make() => new(Vector256.Create<float>(Nf4.Codes), Vector256.Create<float>(Nf4.Codes.AsSpan(8)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Decode(byte* pairs, out Lanes256 even, out Lanes256 odd)
    {
        // A permutation looks at three bits of a code. The fourth, shifted to the sign, chooses the half.
        Vector256<int> codes = Avx2.ConvertToVector256Int32(pairs), first = codes >> 4;
        even = new Lanes256(Avx.BlendVariable(Avx2.PermuteVar8x32(_low, first), Avx2.PermuteVar8x32(_high, first), (codes << 24).AsSingle()));
        odd = new Lanes256(Avx.BlendVariable(Avx2.PermuteVar8x32(_low, codes), Avx2.PermuteVar8x32(_high, codes), (codes << 28).AsSingle()));
    }
}

/// <summary>Codes of nf4 from the code book in memory.</summary>
internal readonly unsafe struct Nf4Decoder1 : IPairDecoder<Nf4Decoder1, Lanes1>
{
    public static int PairBytes => 1;

    public static Nf4Decoder1 Make() => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Decode(byte* pairs, out Lanes1 even, out Lanes1 odd)
    {
        even = new Lanes1(Nf4.Codes[*pairs >> 4]);
        odd = new Lanes1(Nf4.Codes[*pairs & 15]);
    }
}
