using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Modules of a linear layer whose weight is the adapter's own: their outputs are written anew, and the base's have no part in them.</summary>
internal sealed class ReplacedBranch : AdapterBranch
{
    private readonly IReadOnlyList<ReplacedPart> _parts;
    private readonly JoinedLora? _gradient;

    private ReplacedBranch(AdapterRows rows, IReadOnlyList<ReplacedPart> parts, JoinedLora? gradient) : base(rows) => (_parts, _gradient) = (parts, gradient);

    public override bool Trains => _gradient is not null;

    public override bool ChangesBase => true;

    public static ReplacedBranch Forward(Tensor x, Tensor y, LinearWeight weight, JoinedLora lora, JoinedLora? gradient, AdapterRows rows, Pass pass)
    {
        var branch = new ReplacedBranch(rows, lora.Replaced, gradient);
        foreach (ReplacedPart part in lora.Replaced)
        {
            if (part.Weight is null) continue;
            Tensor partY = branch.Rows(y).narrow(1, part.Part.Offset, part.Part.Out);
            MatrixProduct.Add(partY, branch.Rows(x), part.Weight.t(), pass.Pool, beta: 0);
            if (weight.Bias is not null) partY.add_(weight.Bias.narrow(0, part.Part.Offset, part.Part.Out)); // A bias of its own comes after.
        }
        return branch;
    }

    public override void ToBase(Tensor dy)
    {
        foreach (ReplacedPart part in _parts)
        {
            if (part.Weight is not null) Rows(dy).narrow(1, part.Part.Offset, part.Part.Out).zero_();
        }
    }

    public override void Backward(Tensor x, Tensor dy, Tensor dBase, Tensor? dx, Pass pass)
    {
        for (int i = 0; i < _parts.Count; i++)
        {
            if (_parts[i].Weight is not { } weight) continue;
            Tensor partDy = Rows(dy).narrow(1, _parts[i].Part.Offset, _parts[i].Part.Out);
            if (dx is not null) MatrixProduct.Add(Rows(dx), partDy, weight, pass.Pool, beta: 1);
            if (_gradient is not null) Gradients.AddProduct(_gradient.Replaced[i].Weight!, partDy.t(), Rows(x), 1, pass.Pool);
        }
    }
}
