using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Rows of the head's weight that are the adapter's own: these tokens' logits are x·row', and the base's have no part in them.</summary>
internal sealed class TokenBranch : AdapterBranch
{
    private readonly TokenTensors _tokens;
    private readonly TokenTensors? _gradient;

    private TokenBranch(AdapterRows rows, TokenTensors tokens, TokenTensors? gradient) : base(rows) => (_tokens, _gradient) = (tokens, gradient);

    public override bool Trains => _gradient is not null;

    public override bool ChangesBase => true;

    public static TokenBranch Forward(Tensor x, Tensor y, LinearWeight weight, TokenTensors tokens, TokenTensors? gradient, AdapterRows rows, Pass pass)
    {
        using var scope = NewDisposeScope();
        var branch = new TokenBranch(rows, tokens, gradient);
        Tensor logits = pass.Pool.Lend(y.dtype, rows.Count, tokens.Ids.shape[0]);
        MatrixProduct.Add(logits, branch.Rows(x), tokens.Rows.t(), pass.Pool, beta: 0);
        if (weight.Bias is not null) logits.add_(weight.Bias.index_select(0, tokens.Ids));
        branch.Rows(y).index_copy_(1, tokens.Ids, logits);
        pass.Pool.Return(logits);
        return branch;
    }

    public override void ToBase(Tensor dy) => Rows(dy).index_fill_(1, _tokens.Ids, 0);

    public override void Backward(Tensor x, Tensor dy, Tensor dBase, Tensor? dx, Pass pass)
    {
        using var scope = NewDisposeScope();
        Tensor tokensDy = Rows(dy).index_select(1, _tokens.Ids);
        if (dx is not null) MatrixProduct.Add(Rows(dx), tokensDy, _tokens.Rows, pass.Pool, beta: 1);
        if (_gradient is not null) Gradients.AddProduct(_gradient.Rows, tokensDy.t(), Rows(x), 1, pass.Pool);
    }
}
