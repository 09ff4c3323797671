using FineTuneService.Engine.Models.Operations;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>The Llama family's decoder over a model's weights: one code for training, evaluation and serving.</summary>
internal sealed class Decoder(ModelConfig config, DecoderWeights weights) : IDisposable
{
    private readonly RotaryTable _rotary = new(config, weights.EmbedTokens.device);

    public ModelConfig Config { get; } = config;

    public DecoderWeights Weights { get; } = weights;

    /// <summary>Hidden states of a batch after the final norm.</summary>
    /// <param name="cache">In serving, what the sequences' earlier tokens left; the new tokens are added to it.</param>
    /// <returns>[rows·width, hidden], lent by the pass's pool; undefined at padding.</returns>
    public Activation Forward(TokenBatch batch, Pass pass, KvCache? cache = null)
    {
        using var scope = NewDisposeScope();
        Device device = Weights.EmbedTokens.device;
        // Recorded operations read these in the backward: they live as long as the step's scope.
        Tensor ids = tensor(batch.Ids, device: device).MoveToOuterDisposeScope();
        Rotation rotation = _rotary.For(batch.Positions(cache));
        var shape = new AttentionShape(batch.Rows, batch.Width, Config.Heads, Config.KeyValueHeads, Config.HeadDim);

        Activation stream = EmbeddingLookup.Forward(Weights.EmbedTokens, ids, pass);
        Activation normed = RmsNorm.Forward(stream, Weights.Layers[0].InputNorm, Config.Epsilon, pass);
        for (int i = 0; i < Weights.Layers.Length; i++)
        {
            int layer = i;
            Activation Attend(Activation qkv) => cache is null
                ? Attention.Forward(qkv, shape, rotation, pass)
                : CachedAttention.Forward(qkv, batch, shape, rotation, cache, layer, pass);
            Tensor nextNorm = i + 1 < Weights.Layers.Length ? Weights.Layers[i + 1].InputNorm : Weights.FinalNorm;
            (stream, normed) = DecoderBlock.Forward(stream, normed, Weights.Layers[i], nextNorm, Config.Epsilon, Attend, pass);
            BetweenBlocks(pass);
        }
        if (!stream.NeedsGrad) pass.Pool.Return(stream.Value);
        for (int row = 0; row < batch.Rows; row++) cache?.Advance(batch.Slots[row], batch.Lengths[row]);
        return normed;
    }

    /// <summary>Logits that follow each row's last token.</summary>
    /// <param name="hidden">What <see cref="Forward"/> returned for this batch; its buffer is given back.</param>
    /// <returns>[rows, vocabulary] in the compute dtype, lent by the pass's pool.</returns>
    public Tensor LastLogits(Activation hidden, TokenBatch batch, Pass pass)
    {
        var last = new long[batch.Rows];
        for (int row = 0; row < last.Length; row++) last[row] = (long)row * batch.Width + batch.Lengths[row] - 1;
        return Logits(hidden, last, pass);
    }

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
