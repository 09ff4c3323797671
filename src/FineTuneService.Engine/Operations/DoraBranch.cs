using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// DoRA, https://arxiv.org/abs/2402.09353, of what the low-rank branch made: y = b + (magnitude / norm) · (y - b), each output by its own factor.
/// The norm counts as a constant in the backward, as the paper's section 4.3 has it.
/// </summary>
internal sealed class DoraBranch : AdapterBranch
{
    private readonly JoinedLora _lora;
    private readonly JoinedLora? _gradient;
    private readonly DoraScale[] _scales;

    /// <summary>y - b from before, in training.</summary>
    private readonly Tensor?[] _before;

    private DoraBranch(AdapterRows rows, JoinedLora lora, JoinedLora? gradient, DoraScale[] scales) : base(rows) =>
        (_lora, _gradient, _scales, _before) = (lora, gradient, scales, new Tensor?[scales.Length]);

    public override bool Trains => _gradient is not null;

    public override bool ChangesBase => true;

    public static DoraBranch Forward(Tensor y, LinearWeight weight, JoinedLora lora, JoinedLora? gradient, AdapterRows rows, Pass pass)
    {
        var branch = new DoraBranch(rows, lora, gradient, [.. lora.Parts.Select(part => rows.Adapter.DoraScale(weight, part, pass.Pool))]);
        for (int i = 0; i < lora.Parts.Count; i++)
        {
            JoinedLoraPart part = lora.Parts[i];
            Tensor partY = branch.Rows(y).narrow(1, part.OutOffset, part.Out);
            using Tensor? bias = weight.Bias?.narrow(0, part.OutOffset, part.Out);
            using Tensor factor = branch._scales[i].Factor.to_type(y.dtype);
            if (bias is not null) partY.sub_(bias);
            if (gradient is not null)
            {
                Tensor before = pass.Pool.Lend(y.dtype, partY.shape);
                before.copy_(partY);
                branch._before[i] = before;
            }
            partY.mul_(factor);
            if (bias is not null) partY.add_(bias);
        }
        return branch;
    }

    public override void ToBase(Tensor dy)
    {
        for (int i = 0; i < _scales.Length; i++)
        {
            using Tensor factor = _scales[i].Factor.to_type(dy.dtype);
            Rows(dy).narrow(1, _lora.Parts[i].OutOffset, _lora.Parts[i].Out).mul_(factor);
        }
    }

    public override void Backward(Tensor x, Tensor dy, Tensor dBase, Tensor? dx, Pass pass)
    {
        if (_gradient is null) return;
        using var scope = NewDisposeScope();
        for (int i = 0; i < _scales.Length; i++)
        {
            Tensor partDy = Rows(dy).narrow(1, _lora.Parts[i].OutOffset, _lora.Parts[i].Out);
            _gradient.Parts[i].Magnitude!.add_((partDy * _before[i]!).sum(0L, type: ScalarType.Float32) / _scales[i].Norm);
        }
    }

    public override void Release(BufferPool pool)
    {
        foreach (Tensor? before in _before) pool.Return(before);
    }
}
