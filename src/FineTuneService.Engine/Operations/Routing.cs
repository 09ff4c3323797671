using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Which tokens go through which experts, and with what weight: the largest of a softmax over all of them, in fp32.</summary>
internal sealed class Routing : IDisposable
{
    private readonly Tensor _probabilities, _weights, _chosen, _gradient;
    private readonly bool _renormalised;
    private readonly ScalarType _dtype;

    /// <summary>By expert: the tokens, ascending, and each one's place among a token's active experts.</summary>
    private readonly (long[] Tokens, long[] Places)[] _tokens;

    private Routing(Tensor probabilities, int active, bool renormalise, ScalarType dtype)
    {
        (_renormalised, _dtype) = (renormalise, dtype);
        using var scope = NewDisposeScope();
        (Tensor weights, Tensor chosen) = probabilities.topk(active, -1);
        if (renormalise) weights = weights / weights.sum(-1L, keepdim: true);
        (_probabilities, _weights, _chosen) = (probabilities.MoveToOuterDisposeScope(), weights.MoveToOuterDisposeScope(), chosen.MoveToOuterDisposeScope());
        _gradient = zeros_like(weights).MoveToOuterDisposeScope();
        foreach (Tensor kept in new[] { _probabilities, _weights, _chosen, _gradient }) kept.DetachFromDisposeScope();

        long[] experts = chosen.cpu().data<long>().ToArray();
        _tokens = [.. Enumerable.Range(0, (int)probabilities.shape[1]).Select(expert =>
        {
            int[] at = [.. Enumerable.Range(0, experts.Length).Where(i => experts[i] == expert)];
            return (at.Select(i => (long)(i / active)).ToArray(), at.Select(i => (long)(i % active)).ToArray());
        })];
    }

    public Device Device => _weights.device;

    /// <param name="x">[tokens, hidden].</param>
    /// <param name="active">Experts of a token.</param>
    public static Routing Of(Tensor x, LinearWeight router, int active, bool renormalise, BufferPool pool)
    {
        Tensor logits = pool.Lend(x.dtype, x.shape[0], router.Out);
        router.Multiply(x, logits, pool);
        Tensor probabilities = logits.to_type(ScalarType.Float32).softmax(-1);
        pool.Return(logits);
        return new Routing(probabilities, active, renormalise, x.dtype);
    }

    /// <summary>An expert's tokens, and their weights [tokens] in the dtype of the activations.</summary>
    public (long[] Tokens, Tensor Weights) Of(int expert) => (_tokens[expert].Tokens, _weights.index([.. Places(expert)]).to_type(_dtype));

    /// <summary>Adds the gradient [tokens] by an expert's weights.</summary>
    public void AddGradient(int expert, Tensor gradient) => _gradient.index_put_(gradient, [.. Places(expert)]);

    /// <summary>The gradient by the router's logits, [tokens, experts] in fp32.</summary>
    public Tensor LogitGradient()
    {
        Tensor chosen = _gradient;
        if (_renormalised)
        {
            Tensor total = _probabilities.gather(1, _chosen).sum(-1L, keepdim: true);
            chosen = (chosen - (chosen * _weights).sum(-1L, keepdim: true)) / total;
        }
        Tensor all = zeros_like(_probabilities).scatter(1, _chosen, chosen);
        return _probabilities * (all - (_probabilities * all).sum(-1L, keepdim: true));
    }

    public void Dispose()
    {
        foreach (Tensor kept in new[] { _probabilities, _weights, _chosen, _gradient }) kept.Dispose();
    }

    private IEnumerable<TensorIndex> Places(int expert) =>
        [TensorIndex.Tensor(tensor(_tokens[expert].Tokens, device: _weights.device)), TensorIndex.Tensor(tensor(_tokens[expert].Places, device: _weights.device))];
}
