using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

/// <summary>A product gives a row the same bits alone and beside any number of others.</summary>
internal static class Company
{
    /// <param name="x">[most, in].</param>
    /// <param name="rows">Of y.</param>
    /// <param name="product">Writes y [tokens, rows] for some rows of x.</param>
    public static void Check(int most, Tensor x, int rows, Action<Tensor, Tensor> product)
    {
        Tensor alone = zeros([most, rows], x.dtype);
        for (int token = 0; token < most; token++) product(x.narrow(0, token, 1), alone.narrow(0, token, 1));
        for (int tokens = 2; tokens <= most; tokens++)
        {
            Tensor together = zeros([tokens, rows], x.dtype);
            product(x.narrow(0, most - tokens, tokens), together);
            Assert.True(together.bytes.SequenceEqual(alone.narrow(0, most - tokens, tokens).contiguous().bytes), $"{tokens} tokens");
        }
    }
}
