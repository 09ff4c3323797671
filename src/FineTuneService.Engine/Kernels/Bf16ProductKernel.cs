using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.Thin;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Products of a few tokens with a bf16 matrix. On a CPU without instructions for bf16 a token that is decoded would widen the whole
/// model; here it reads half of the bytes that fp32 weights have. With the instructions, libtorch's product of one row takes two to
/// three times as long as this one, and of four rows as long.
/// </summary>
internal static class Bf16ProductKernel
{
    /// <summary>Tokens that it takes from a CPU with instructions for bf16.</summary>
    private const int MostBesideInstructions = 4;

    /// <summary>Whether the product is for this kernel: few tokens in bf16, on the CPU.</summary>
    /// <param name="x">[tokens, in].</param>
    public static bool Fits(Tensor x) =>
        x.size(0) <= (MatrixProduct.ThroughFp32 ? ThinProduct.MostTokens : MostBesideInstructions) && x.dtype == ScalarType.BFloat16 && x.is_cpu();

    /// <summary>y = x·Wᵀ.</summary>
    /// <param name="x">[tokens, in] bf16.</param>
    /// <param name="weight">[out, in] bf16.</param>
    /// <param name="y">[tokens, out] bf16.</param>
    public static void Forward(Tensor x, Tensor weight, Tensor y)
    {
        int rows = (int)weight.size(0);
        var stored = new Rows(new RowMemory(weight));
        switch (RowLoops.InstructionSet)
        {
            case InstructionSet.Vector512:
                ThinProduct.Forward<Lanes512, Bf16Decoder<Lanes512>, Rows>(x, stored, rows, y, 0, []);
                break;
            case InstructionSet.Vector256:
                ThinProduct.Forward<Lanes256, Bf16Decoder<Lanes256>, Rows>(x, stored, rows, y, 0, []);
                break;
            default:
                ThinProduct.Forward<Lanes1, Bf16Decoder<Lanes1>, Rows>(x, stored, rows, y, 0, []);
                break;
        }
    }

    private readonly unsafe struct Rows(RowMemory weight) : IStoredRows
    {
        public ReadOnlySpan<byte> Row(int row) => new(weight.Row<ushort>(row), weight.Width * sizeof(ushort));

        public void Scales(int row, Span<float> scales) => scales.Fill(1);
    }
}
