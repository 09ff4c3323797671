using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Thin;

/// <summary>4-bit codes by one permutation of the code book, which fills a 512-bit register.</summary>
internal readonly unsafe struct FourBitDecoder512(Vector512<float> book) : IPairDecoder<FourBitDecoder512, Lanes512>
{
    private readonly Vector512<float> _book = book;

    public static int PairBytes => 1;

    public static FourBitDecoder512 Make(float* book) => new(Vector512.Load(book));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Decode(byte* pairs, out Lanes512 even, out Lanes512 odd)
    {
        // The permutation looks at an index's low four bits only, which are the second code.
        Vector512<int> codes = Avx512F.ConvertToVector512Int32(Vector128.Load(pairs));
        even = new Lanes512(Avx512F.PermuteVar16x32(_book, codes >> 4));
        odd = new Lanes512(Avx512F.PermuteVar16x32(_book, codes));
    }
}

/// <summary>4-bit codes by two permutations, one of each half of the code book.</summary>
internal readonly unsafe struct FourBitDecoder256(Vector256<float> low, Vector256<float> high) : IPairDecoder<FourBitDecoder256, Lanes256>
{
    private readonly Vector256<float> _low = low, _high = high;

    public static int PairBytes => 1;

    public static FourBitDecoder256 Make(float* book) => new(Vector256.Load(book), Vector256.Load(book + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Decode(byte* pairs, out Lanes256 even, out Lanes256 odd)
    {
        // A permutation looks at three bits of a code. The fourth, shifted to the sign, chooses the half.
        Vector256<int> codes = Avx2.ConvertToVector256Int32(pairs), first = codes >> 4;
        even = new Lanes256(Avx.BlendVariable(Avx2.PermuteVar8x32(_low, first), Avx2.PermuteVar8x32(_high, first), (codes << 24).AsSingle()));
        odd = new Lanes256(Avx.BlendVariable(Avx2.PermuteVar8x32(_low, codes), Avx2.PermuteVar8x32(_high, codes), (codes << 28).AsSingle()));
    }
}

/// <summary>4-bit codes from the code book in memory.</summary>
internal readonly unsafe struct FourBitDecoder1(float* book) : IPairDecoder<FourBitDecoder1, Lanes1>
{
    private readonly float* _book = book;

    public static int PairBytes => 1;

    public static FourBitDecoder1 Make(float* book) => new(book);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Decode(byte* pairs, out Lanes1 even, out Lanes1 odd)
    {
        even = new Lanes1(_book[*pairs >> 4]);
        odd = new Lanes1(_book[*pairs & 15]);
    }
}
