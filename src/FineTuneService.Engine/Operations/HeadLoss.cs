using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// The head and its cross-entropy, in chunks of rows: the logits of a batch never exist, tokens without a label cost nothing, and
/// the gradient by the logits is made in the forward, where the logits lie, and consumed at once.
/// </summary>
internal sealed class HeadLoss
{
    /// <summary>Fewer rows leave the matrix product below its full speed.</summary>
    private const int MinimumChunk = 512;

    /// <summary>Logits of a chunk where the vocabulary is small.</summary>
    private const int ChunkElements = 1 << 22;

    private readonly LinearWeight _head;
    private readonly Pass _pass;
    private readonly HeadDropout? _dropout;
    private readonly LogitShape? _shape;

    private HeadLoss(LinearWeight head, LogitShape? shape, Pass pass, Activation hidden) =>
        (_head, _shape, _pass, _dropout) = (head, shape, pass.WithoutDropout(), HeadDropout.Of(head, hidden, pass));

    /// <summary>Loss of the labelled tokens; with a tape, also the gradients by the head and by <paramref name="hidden"/>.</summary>
    /// <param name="hidden">[tokens, hidden], after the final norm; read by this operation alone.</param>
    /// <param name="gradientScale">What a token's loss counts in the step's loss, times its weight: 1 / its tokens, say.</param>
    /// <returns>float64 scalars on the device, so that nothing waits for it here: the weighted sum of the tokens' losses, and how many of the
    /// labels had the highest logit (without a tape only).</returns>
    public static (Tensor LossSum, Tensor? Correct) Forward(
        Activation hidden, LinearWeight head, LossTargets targets, double gradientScale, Pass pass, LogitShape? shape = null) =>
        new HeadLoss(head, shape, pass, hidden).Forward(hidden, targets, gradientScale);

    /// <summary>Each target's own loss, and whether its label has the highest logit. Without a tape; tokens may repeat.</summary>
    /// <inheritdoc cref="Forward(Activation, LinearWeight, LossTargets, double, Pass, LogitShape)"/>
    public static (float[] Losses, bool[] Likeliest) Scores(Activation hidden, LinearWeight head, LossTargets targets, Pass pass, LogitShape? shape = null)
    {
        (Tensor losses, Tensor? right) = new HeadLoss(head, shape, pass, hidden).Run(hidden, targets, gradientScale: 0);
        using Tensor lossesHere = losses.cpu(), rightHere = right!.cpu();
        (float[], bool[]) scores = (lossesHere.data<float>().ToArray(), rightHere.data<bool>().ToArray());
        pass.Pool.Return(losses);
        pass.Pool.Return(right);
        return scores;
    }

    private (Tensor, Tensor?) Forward(Activation hidden, LossTargets targets, double gradientScale)
    {
        (Tensor losses, Tensor? right) = Run(hidden, targets, gradientScale);
        using Tensor? weights = targets.Weights is { } given ? tensor(given, device: losses.device) : null;
        if (weights is not null) losses.mul_(weights);
        (Tensor, Tensor?) sums = (losses.sum(ScalarType.Float64), right?.sum(ScalarType.Float64));
        _pass.Pool.Return(losses);
        _pass.Pool.Return(right);
        return sums;
    }

    /// <returns>[targets], lent by the pool: each one's loss, and whether its label has the highest logit (without a tape only).</returns>
    private (Tensor Losses, Tensor? Right) Run(Activation hidden, LossTargets targets, double gradientScale)
    {
        BufferPool pool = _pass.Pool;
        Tensor x = hidden.Value;
        using Tensor tokens = tensor(targets.Tokens, device: x.device), labels = tensor(targets.Labels, device: x.device);
        using Tensor? weights = targets.Weights is { } given ? tensor(given, device: x.device) : null;
        Tensor losses = pool.Lend(ScalarType.Float32, targets.Count);
        Tensor? dHidden = hidden.NeedsGrad && _pass.Tape is not null ? pool.LendZeros(x.dtype, x.shape) : null;
        Tensor? right = _pass.Tape is null ? pool.Lend(ScalarType.Bool, targets.Count) : null;

        int chunks = Chunks(targets.Count, _head.Out);
        for (int chunk = 0; chunk < chunks; chunk++)
        {
            int start = (int)((long)targets.Count * chunk / chunks), end = (int)((long)targets.Count * (chunk + 1) / chunks);
            Tensor chunkTokens = tokens.narrow(0, start, end - start), chunkLabels = labels.narrow(0, start, end - start);
            Tensor chunkX = pool.Lend(x.dtype, end - start, x.shape[1]);
            EmbeddingKernel.Gather(x, chunkTokens, chunkX);
            Tensor logits = pool.Lend(x.dtype, end - start, _head.Out);
            Tensor branchX = _dropout?.Gather(chunkTokens) ?? chunkX;
            AdapterBranches branches = Logits(chunkX, branchX, logits);
            _shape?.Forward(logits);
            Tensor? kept = _pass.Tape is null ? null : _shape?.Keep(logits, pool);
            right?.narrow(0, start, end - start).copy_(logits.argmax(1).eq(chunkLabels));
            CrossEntropyKernel.ForwardBackward(
                logits, chunkLabels, losses.narrow(0, start, end - start), (float)gradientScale, weights?.narrow(0, start, end - start));
            if (_pass.Tape is not null) _shape?.Backward(logits, kept, pool);
            if (_pass.Tape is not null) Backward(chunkX, branchX, logits, branches, chunkTokens, dHidden);
            branches.Release(pool);
            if (_dropout is not null) pool.Return(branchX);
            pool.Return(logits);
            pool.Return(chunkX);
            _pass.YieldPoint?.Invoke(); // A chunk takes as long as several blocks.
        }
        _dropout?.End(dHidden);
        hidden.Done();
        if (dHidden is not null) hidden.TakeGradient(dHidden);
        return (losses, right);
    }

    /// <param name="branchX">The low-rank branch's input: x, or what dropout left of it.</param>
    private AdapterBranches Logits(Tensor x, Tensor branchX, Tensor logits)
    {
        _head.Multiply(x, logits, _pass.Pool);
        var branches = new AdapterBranches();
        if (_pass.Adapters.Count > 0) branches.Forward(x, branchX, logits, _head, new AdapterRows(_pass.Adapters[0].Adapter, 0, (int)x.shape[0]), _pass);
        return branches;
    }

    private void Backward(Tensor x, Tensor branchX, Tensor dLogits, AdapterBranches branches, Tensor tokens, Tensor? dHidden)
    {
        Tensor? dx = dHidden is null ? null : _pass.Pool.Lend(x.dtype, x.shape);
        branches.Backward(x, dLogits, dx, beta: 0, _head, _pass, _dropout is null ? null : (lora, dBase) => _dropout.Backward(lora, branchX, dBase, tokens, _pass));
        if (dx is not null) EmbeddingKernel.ScatterAdd(dx, tokens, dHidden!);
        _pass.Pool.Return(dx);
    }

    /// <summary>Rows of the largest chunk that so many labels are taken in.</summary>
    public static int LargestChunk(int rows, int vocabulary)
    {
        int chunks = Math.Max(1, Chunks(rows, vocabulary));
        return (rows + chunks - 1) / chunks;
    }

    private static int Chunks(int rows, int vocabulary)
    {
        int chunk = Math.Max(MinimumChunk, ChunkElements / vocabulary);
        return (rows + chunk - 1) / chunk;
    }
}
