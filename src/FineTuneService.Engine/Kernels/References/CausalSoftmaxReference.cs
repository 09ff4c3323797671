using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="CausalSoftmaxKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class CausalSoftmaxReference
{
    public static void Forward(Tensor scores, ScoreRule rule, ScorePlaces places)
    {
        using var scope = NewDisposeScope();
        scores.copy_(Prepared(scores, rule, places).softmax(-1));
    }

    public static void Backward(Tensor scores, Tensor dProbabilities, ScoreRule rule, ScorePlaces places)
    {
        using var scope = NewDisposeScope();
        Tensor prepared = Prepared(scores, rule, places), p = prepared.softmax(-1), wide = dProbabilities.to_type(ScalarType.Float32);
        Tensor d = p.mul(wide.sub(p.mul(wide).sum(-1L, true))).to_type(scores.dtype);
        if (rule.SoftCap != 0) d.mul_(prepared.div(rule.SoftCap).pow(2).neg_().add_(1).masked_fill_(prepared.isinf(), 0));
        dProbabilities.copy_(d.mul(rule.Scale));
        scores.copy_(p);
    }

    /// <summary>fp32, minus infinity where a key is not seen.</summary>
    private static Tensor Prepared(Tensor scores, ScoreRule rule, ScorePlaces places)
    {
        int rows = (int)scores.shape[0];
        long[] last = new long[rows], first = new long[rows], start = new long[rows];
        var slopes = new float[rows];
        for (int row = 0; row < rows; row++)
        {
            last[row] = places.Query(row);
            first[row] = rule.FirstKey(places, row, (int)last[row]);
            start[row] = rule.Start(places, row, (int)last[row]);
            slopes[row] = rule.Slopes?[places.Head(row)] ?? 0;
        }
        Tensor keys = arange(scores.shape[1], ScalarType.Int64, scores.device).unsqueeze(0);
        Tensor hidden = keys.gt(tensor(last, device: scores.device).unsqueeze(1)).logical_or(keys.lt(tensor(first, device: scores.device).unsqueeze(1)));
        Tensor raw = scores;
        if (rule.Slopes is not null)
            raw = scores.add(keys.sub(tensor(start, device: scores.device).unsqueeze(1)).mul(tensor(slopes, device: scores.device).unsqueeze(1)).to_type(ScalarType.BFloat16).to_type(ScalarType.Float32));
        // transformers scales in the scores' own dtype.
        Tensor scaled = raw.mul(rule.Scale).to_type(scores.dtype).to_type(ScalarType.Float32);
        if (rule.SoftCap != 0) scaled = scaled.div(rule.SoftCap).tanh_().mul_(rule.SoftCap);
        return scaled.masked_fill_(hidden, float.NegativeInfinity);
    }
}
