using System.Runtime.Intrinsics.X86;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.Thin;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Products of a few tokens with an nf4 matrix, straight from its codes: a token that is decoded reads an eighth of the bytes that
/// fp32 weights have, and nothing is written. The reference is the product with the dequantised matrix.
/// </summary>
internal static class Nf4ProductKernel
{
    /// <summary>Whether the product is for this kernel: few tokens on the CPU, and blocks that do not cross rows.</summary>
    /// <param name="x">[tokens, width].</param>
    public static bool Fits(Tensor x, int width) => x.size(0) <= ThinProduct.MostTokens && width % Nf4.BlockSize == 0 && x.is_cpu();

    /// <summary>y[:, offset…] = x·Wᵀ.</summary>
    /// <param name="x">[tokens, in], fp32 or bf16.</param>
    /// <param name="matrix">W, [out, in].</param>
    /// <param name="y">[tokens, at least offset + out], of x's dtype.</param>
    public static void Forward(Tensor x, Nf4Matrix matrix, Tensor y, int offset)
    {
        int width = (int)x.size(1), rows = matrix.Count / width;
        var stored = new Rows(matrix, width);
        switch (RowLoops.InstructionSet)
        {
            case InstructionSet.Vector512:
                ThinProduct.Forward<Lanes512, Nf4Decoder512, Rows>(x, stored, rows, y, offset);
                break;
            case InstructionSet.Vector256 when Avx2.IsSupported:
                ThinProduct.Forward<Lanes256, Nf4Decoder256, Rows>(x, stored, rows, y, offset);
                break;
            default:
                ThinProduct.Forward<Lanes1, Nf4Decoder1, Rows>(x, stored, rows, y, offset);
                break;
        }
    }

    private readonly struct Rows(Nf4Matrix matrix, int width) : IStoredRows
    {
        public ReadOnlySpan<byte> Row(int row) => matrix.Packed.Slice(row * (width / 2), width / 2);

        public void Scales(int row, Span<float> scales) => matrix.Scales(row * scales.Length, scales);
    }
}
