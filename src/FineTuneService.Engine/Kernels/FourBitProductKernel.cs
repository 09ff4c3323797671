using System.Runtime.Intrinsics.X86;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.Thin;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Products of a few tokens with a matrix of 4-bit codes, straight from them: a token that is decoded reads an eighth of the bytes that
/// fp32 weights have, and nothing is written. The reference is the product with the dequantised matrix.
/// </summary>
internal static class FourBitProductKernel
{
    /// <summary>Whether the product is for this kernel: few tokens on the CPU, and blocks that do not cross rows.</summary>
    /// <param name="x">[tokens, width].</param>
    public static bool Fits(Tensor x, int blockSize) =>
        x.size(0) <= ThinProduct.MostTokens && blockSize == ThinProduct.Block && x.size(1) % blockSize == 0 && x.is_cpu();

    /// <summary>y = x·Wᵀ.</summary>
    /// <param name="x">[tokens, in], fp32 or bf16.</param>
    /// <param name="weight">W's rows, whose blocks have a scale each.</param>
    /// <param name="book">The values of the 16 codes.</param>
    /// <param name="y">[tokens, out], of x's dtype.</param>
    public static void Forward<TRows>(Tensor x, TRows weight, float[] book, Tensor y)
        where TRows : struct, IStoredRows
    {
        int rows = (int)y.size(1);
        switch (RowLoops.InstructionSet)
        {
            case InstructionSet.Vector512:
                ThinProduct.Forward<Lanes512, FourBitDecoder512, TRows>(x, weight, rows, y, 0, book);
                break;
            case InstructionSet.Vector256 when Avx2.IsSupported:
                ThinProduct.Forward<Lanes256, FourBitDecoder256, TRows>(x, weight, rows, y, 0, book);
                break;
            default:
                ThinProduct.Forward<Lanes1, FourBitDecoder1, TRows>(x, weight, rows, y, 0, book);
                break;
        }
    }
}
