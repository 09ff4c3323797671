using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>A matrix in fp16, widened for products.</summary>
/// <param name="weight">[rows, columns] fp16; the matrix', and no longer its dispose scope's.</param>
internal sealed class HalfMatrix(Tensor weight, ScalarType dtype) : WeightMatrix((int)weight.size(0), (int)weight.size(1), dtype)
{
    private readonly Tensor _weight = weight.DetachFromDisposeScope();

    public override IEnumerable<Tensor> Tensors => [_weight];

    public override void Fill(Tensor dense) => dense.copy_(_weight);

    public override void Gather(Tensor indices, Tensor rows)
    {
        using Tensor chosen = _weight.index_select(0, indices);
        rows.copy_(chosen);
    }

    public override bool ReadsCodes(Tensor x) => HalfProductKernel.Fits(x);

    public override void MultiplyCodes(Tensor x, Tensor y) => HalfProductKernel.Forward(x, _weight, y);

    public override WeightMatrix? Join(IReadOnlyList<WeightMatrix> parts) => new HalfMatrix(cat([.. parts.Cast<HalfMatrix>().Select(part => part._weight)]), Dtype);
}
