using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>A matrix that is stored as products see it.</summary>
/// <param name="weight">[rows, columns] fp32 or bf16; the matrix', and no longer its dispose scope's.</param>
internal sealed class DenseMatrix(Tensor weight) : WeightMatrix((int)weight.size(0), (int)weight.size(1), weight.dtype)
{
    private readonly Tensor _weight = weight.DetachFromDisposeScope();

    public override IEnumerable<Tensor> Tensors => [_weight];

    public override Tensor Stored => _weight;

    public override Tensor Dense(BufferPool pool) => _weight;

    public override void Fill(Tensor dense) => dense.copy_(_weight);

    public override void Gather(Tensor indices, Tensor rows) => EmbeddingKernel.Gather(_weight, indices, rows);

    public override bool ReadsCodes(Tensor x) => Bf16ProductKernel.Fits(x);

    public override WeightMatrix? Join(IReadOnlyList<WeightMatrix> parts) => new DenseMatrix(cat([.. parts.Select(part => part.Stored!)]));

    public override void MultiplyCodes(Tensor x, Tensor y) => Bf16ProductKernel.Forward(x, _weight, y);
}
