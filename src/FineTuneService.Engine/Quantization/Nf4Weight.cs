using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>
/// A frozen linear layer in nf4, each of its parts quantised by itself. It is dequantised into a lent buffer for every product,
/// forward and backward, so nothing but the codes is kept. A product with few tokens reads the codes themselves.
/// </summary>
internal sealed class Nf4Weight(IReadOnlyList<Nf4Matrix> matrices, ScalarType dtype) : LinearWeight
{
    /// <summary>One for each part.</summary>
    public IReadOnlyList<Nf4Matrix> Matrices => matrices;

    public override Tensor? Stored => null;

    public override Tensor Dense(BufferPool pool)
    {
        Tensor dense = pool.Lend(dtype, Out, In);
        if (dense.device_type == TorchSharp.DeviceType.CPU)
        {
            Fill(dense);
            return dense;
        }
        using Tensor host = empty([Out, In], dtype: dtype);
        Fill(host);
        dense.copy_(host);
        return dense;
    }

    public override void Multiply(Tensor x, Tensor y, BufferPool pool)
    {
        if (!Nf4ProductKernel.Fits(x, In))
        {
            base.Multiply(x, y, pool);
            return;
        }
        for (int i = 0; i < matrices.Count; i++) Nf4ProductKernel.Forward(x, matrices[i], y, Parts[i].Offset);
        if (Bias is not null) y.add_(Bias);
    }

    public override long Bytes => matrices.Sum(matrix => matrix.Bytes) + (Bias is null ? 0 : Bias.numel() * Bias.element_size());

    private void Fill(Tensor dense)
    {
        for (int i = 0; i < matrices.Count; i++)
        {
            using Tensor rows = dense.narrow(0, Parts[i].Offset, Parts[i].Out);
            matrices[i].Dequantize(rows);
        }
    }
}
