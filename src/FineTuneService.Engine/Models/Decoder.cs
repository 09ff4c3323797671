using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Operations;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>The Llama family's decoder over a model's weights: one code for training, evaluation and serving.</summary>
internal sealed class Decoder(ModelConfig config, DecoderWeights weights) : IDisposable
{
    private readonly RotaryTable _rotary = new(config, weights.EmbedTokens.device);

    public ModelConfig Config { get; } = config;

    public DecoderWeights Weights { get; } = weights;

    /// <summary>
    /// Hidden states of a batch after the final norm. Where it goes on from cached sequences, their caches are written; the caller then
    /// says <see cref="TokenBatch.Advance"/>.
    /// </summary>
    /// <returns>[rows·width, hidden], lent by the pass's pool; undefined at padding.</returns>
    public Activation Forward(TokenBatch batch, Pass pass)
    {
        using var scope = NewDisposeScope();
        batch.Grow();
        Device device = Weights.EmbedTokens.device;
        // Recorded operations read these in the backward: they live as long as the step's scope.
        Tensor ids = tensor(batch.Ids, device: device).MoveToOuterDisposeScope();
        Rotation rotation = _rotary.For(batch.Positions());
        var shape = new AttentionShape(batch.Rows, batch.Width, Config.Heads, Config.KeyValueHeads, Config.HeadDim);

        Activation stream = EmbeddingLookup.Forward(Weights.EmbedTokens, ids, pass);
        Activation normed = RmsNorm.Forward(stream, Weights.Layers[0].InputNorm, Config.Epsilon, pass);
        for (int i = 0; i < Weights.Layers.Length; i++)
        {
            int layer = i;
            Activation Attend(Activation qkv) => batch.Sequences.Length == 0
                ? Attention.Forward(qkv, shape, rotation, pass)
                : CachedAttention.Forward(qkv, batch, shape, rotation, layer, pass);
            Tensor nextNorm = i + 1 < Weights.Layers.Length ? Weights.Layers[i + 1].InputNorm : Weights.FinalNorm;
            (stream, normed) = DecoderBlock.Forward(stream, normed, Weights.Layers[i], nextNorm, Config.Epsilon, Attend, pass);
            BetweenBlocks(pass);
        }
        if (!stream.NeedsGrad) pass.Pool.Return(stream.Value);
        return normed;
    }

    /// <summary>Logits that follow each row's last token.</summary>
    /// <param name="hidden">What <see cref="Forward"/> returned for this batch; its buffer is given back.</param>
    /// <returns>[rows, vocabulary] in the compute dtype, lent by the pass's pool.</returns>
    public Tensor LastLogits(Activation hidden, TokenBatch batch, Pass pass) =>
        Logits(hidden, [.. Enumerable.Range(0, batch.Rows).Select(batch.LastToken)], pass);

    /// <summary>Logits that follow the given tokens, [tokens.Length, vocabulary].</summary>
    /// <param name="tokens">Ascending indices into the batch's rows·width tokens.</param>
    public Tensor Logits(Activation hidden, long[] tokens, Pass pass)
    {
        using var scope = NewDisposeScope();
        Tensor chosen = pass.Pool.Lend(hidden.Value.dtype, tokens.Length, hidden.Value.shape[1]);
        Kernels.EmbeddingKernel.Gather(hidden.Value, tensor(tokens, device: hidden.Value.device), chosen);
        pass.Pool.Return(hidden.Value);
        return Linear.Forward(new Activation(chosen, needsGrad: false), Weights.Head, pass.With(AdaptersOf(tokens, pass.Adapters))).Value;
    }

    public void Dispose() => _rotary.Dispose();

    private static void BetweenBlocks(Pass pass)
    {
        if (pass.YieldPoint is null) return;
        pass.YieldPoint();
        pass.Tape?.Record(pass.YieldPoint);
    }

    /// <summary>The adapters' rows among the chosen tokens.</summary>
    private static List<AdapterRows> AdaptersOf(long[] tokens, IReadOnlyList<AdapterRows> adapters)
    {
        var chosen = new List<AdapterRows>();
        foreach (AdapterRows rows in adapters)
        {
            int start = Array.FindIndex(tokens, token => token >= rows.Start);
            int count = tokens.Count(token => token >= rows.Start && token < rows.Start + rows.Count);
            if (count > 0) chosen.Add(new AdapterRows(rows.Adapter, start, count));
        }
        return chosen;
    }
}
