using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.Gates;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// A mixture of experts, https://arxiv.org/abs/2101.03961: each token goes through the experts that its router weighs most, and their outputs are
/// summed by those weights. An expert's tokens are gathered, so that it is one product a layer.
/// </summary>
internal sealed class ExpertMlp
{
    private readonly Activation _x;
    private readonly Routing _routing;
    private readonly ExpertWeights _experts;
    private readonly Pass _pass;
    private readonly List<Branch> _branches = [];

    private ExpertMlp(Activation x, ExpertWeights experts, Routing routing, Pass pass) => (_x, _experts, _routing, _pass) = (x, experts, routing, pass);

    /// <param name="x">[tokens, hidden].</param>
    /// <param name="active">Experts of a token.</param>
    /// <param name="renormalise">A token's weights are made to sum to 1.</param>
    /// <returns>[tokens, hidden].</returns>
    public static Activation Forward(Activation x, ExpertWeights experts, int active, bool renormalise, GateKind gate, Pass pass)
    {
        var mlp = new ExpertMlp(x, experts, Routing.Of(x.Value, experts.Router, active, renormalise, pass.Pool), pass);
        return mlp.Forward(gate);
    }

    private Activation Forward(GateKind gate)
    {
        using var scope = NewDisposeScope();
        bool trains = _x.NeedsGrad && _pass.Tape is not null;
        // Run in reverse, this comes after the experts' own backwards.
        _pass.Tape?.Record(InputBackward);
        Tensor sum = _pass.Pool.LendZeros(_x.Dtype, _x.Shape);
        for (int expert = 0; expert < _experts.Experts.Count; expert++)
        {
            (long[] tokens, Tensor weights) = _routing.Of(expert);
            if (tokens.Length == 0) continue;
            (LinearWeight up, LinearWeight down) = _experts.Experts[expert];
            Tensor rows = Rows(tokens);
            var input = new Activation(_pass.Pool.Lend(_x.Dtype, tokens.Length, _x.Shape[1]), trains, _pass.Pool);
            EmbeddingKernel.Gather(_x.Value, rows, input.Value);
            Pass ofTokens = _pass.Of(tokens);
            Activation output = Linear.Forward(Gated.Forward(Linear.Forward(input, up, ofTokens), gate, ofTokens), down, ofTokens);
            Tensor weighted = _pass.Pool.Lend(_x.Dtype, output.Shape);
            weighted.copy_(output.Value).mul_(weights.unsqueeze(1));
            EmbeddingKernel.ScatterAdd(weighted, rows, sum);
            _pass.Pool.Return(weighted);
            _branches.Add(new Branch(expert, tokens, input, output));
            if (!output.NeedsGrad) output.Done();
        }
        var result = new Activation(sum, trains || _branches.Exists(branch => branch.Output.NeedsGrad), _pass.Pool);
        if (result.NeedsGrad) _pass.Tape!.Record(() => OutputBackward(result));
        else if (_pass.Tape is null)
        {
            _x.Done();
            _routing.Dispose();
        }
        return result;
    }

    /// <summary>Gradients by the experts' outputs, and by their weights.</summary>
    private void OutputBackward(Activation result)
    {
        using var scope = NewDisposeScope();
        foreach (Branch branch in _branches)
        {
            Tensor gradient = _pass.Pool.Lend(_x.Dtype, branch.Output.Shape);
            EmbeddingKernel.Gather(result.Grad!, Rows(branch.Tokens), gradient);
            if (branch.Output.NeedsGrad)
            {
                _routing.AddGradient(branch.Expert, gradient.mul(branch.Output.Value).sum(1, type: ScalarType.Float32));
                gradient.mul_(_routing.Of(branch.Expert).Weights.unsqueeze(1));
                branch.Output.TakeGradient(gradient);
                branch.Output.Done();
            }
            else _pass.Pool.Return(gradient);
        }
        result.ReleaseGradient();
    }

    /// <summary>What the experts and the router ask of x.</summary>
    private void InputBackward()
    {
        using var scope = NewDisposeScope();
        if (_x.NeedsGrad)
        {
            (Tensor dx, float beta) = _x.GradientPlace();
            if (beta == 0) dx.zero_();
            foreach (Branch branch in _branches)
            {
                EmbeddingKernel.ScatterAdd(branch.Input.Grad!, Rows(branch.Tokens), dx);
                branch.Input.ReleaseGradient();
            }
            Linear.MultiplyBackward(_routing.LogitGradient().to_type(_x.Dtype), _x.Value, dx, beta: 1, _experts.Router, _pass);
        }
        _x.Done();
        _routing.Dispose();
    }

    private Tensor Rows(long[] tokens) => tensor(tokens, device: _routing.Device);

    private sealed record Branch(int Expert, long[] Tokens, Activation Input, Activation Output);
}
