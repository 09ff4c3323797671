using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Biases that are the adapter's own: y += b' - b.</summary>
internal sealed class BiasBranch : AdapterBranch
{
    private readonly IReadOnlyList<ReplacedPart> _parts;
    private readonly JoinedLora? _gradient;

    private BiasBranch(AdapterRows rows, IReadOnlyList<ReplacedPart> parts, JoinedLora? gradient) : base(rows) => (_parts, _gradient) = (parts, gradient);

    public override bool Trains => _gradient is not null;

    public static BiasBranch Forward(Tensor y, LinearWeight weight, JoinedLora lora, JoinedLora? gradient, AdapterRows rows)
    {
        var branch = new BiasBranch(rows, lora.Replaced, gradient);
        foreach (ReplacedPart part in lora.Replaced)
        {
            if (part.Bias is null) continue;
            using Tensor bias = weight.Bias!.narrow(0, part.Part.Offset, part.Part.Out), change = part.Bias - bias;
            branch.Rows(y).narrow(1, part.Part.Offset, part.Part.Out).add_(change);
        }
        return branch;
    }

    public override void Backward(Tensor x, Tensor dy, Tensor dBase, Tensor? dx, Pass pass)
    {
        for (int i = 0; i < _parts.Count; i++) AddSum(_gradient?.Replaced[i].Bias, Rows(dy).narrow(1, _parts[i].Part.Offset, _parts[i].Part.Out));
    }
}
