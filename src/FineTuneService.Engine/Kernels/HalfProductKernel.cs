using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.Thin;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>Products of a few tokens with an fp16 matrix, read as it is stored: widening it first would write and read twice its bytes again.</summary>
internal static class HalfProductKernel
{
    /// <summary>Whether the product is for this kernel: few tokens, on the CPU.</summary>
    /// <param name="x">[tokens, in].</param>
    public static bool Fits(Tensor x) => x.size(0) <= ThinProduct.MostTokens && x.is_cpu();

    /// <summary>y = x·Wᵀ.</summary>
    /// <param name="x">[tokens, in] fp32 or bf16.</param>
    /// <param name="weight">[out, in] fp16, finite.</param>
    /// <param name="y">[tokens, out] of x's dtype.</param>
    public static void Forward(Tensor x, Tensor weight, Tensor y)
    {
        int rows = (int)weight.size(0);
        var stored = new Rows(new RowMemory(weight));
        switch (RowLoops.InstructionSet)
        {
            case InstructionSet.Vector512:
                ThinProduct.Forward<Lanes512, HalfDecoder<Lanes512>, Rows>(x, stored, rows, y, 0, []);
                break;
            case InstructionSet.Vector256:
                ThinProduct.Forward<Lanes256, HalfDecoder<Lanes256>, Rows>(x, stored, rows, y, 0, []);
                break;
            default:
                ThinProduct.Forward<Lanes1, HalfDecoder<Lanes1>, Rows>(x, stored, rows, y, 0, []);
                break;
        }
    }

    private readonly unsafe struct Rows(RowMemory weight) : IStoredRows
    {
        public ReadOnlySpan<byte> Row(int row) => new(weight.Row<ushort>(row), weight.Width * sizeof(ushort));

        public void Scales(int row, Span<float> scales) => scales.Fill(1);
    }
}
