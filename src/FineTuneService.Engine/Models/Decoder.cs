using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>A decoder over a model's weights, as its traits say: one code for every family, for training, evaluation and serving.</summary>
internal sealed class Decoder(ModelConfig config, DecoderWeights weights) : IDisposable
{
    private readonly RotaryTable _global = new(config.Rope(RopeUse.Global), config.RotaryNeighbours, weights.Device);
    private readonly RotaryTable _local = new(config.Rope(RopeUse.Local), config.RotaryNeighbours, weights.Device);
    private readonly float[]? _slopes = config.Alibi ? AlibiSlopes.Of(config.Heads) : null;

    public ModelConfig Config { get; } = config;

    public DecoderWeights Weights { get; } = weights;

    /// <summary>What becomes of the head's products; null where nothing does.</summary>
    public LogitShape? LogitShape { get; } = LogitShape.Of(config.LogitScale, config.LogitSoftCap);

    /// <summary>
    /// Hidden states of a batch after the final norm. Where it goes on from cached sequences, their caches are written; the caller then
    /// says <see cref="TokenBatch.Advance"/>.
    /// </summary>
    /// <returns>[rows·width, the head's width], lent by the pass's pool; undefined at padding.</returns>
    public Activation Forward(TokenBatch batch, Pass pass)
    {
        using var scope = NewDisposeScope();
        batch.Grow();
        long[] positions = batch.Positions();
        Rotation? global = Uses(RopeUse.Global) ? _global.For(batch, positions) : null, local = Uses(RopeUse.Local) ? _local.For(batch, positions) : null;
        var shape = new AttentionShape(batch.Rows, batch.Width, Config.Heads, Config.KeyValueHeads, Config.HeadDim, Config.GroupedQkv);

        var stream = new ResidualStream(Embed(batch, positions, pass), pass);
        for (int i = 0; i < Weights.Layers.Length; i++)
        {
            int layer = i;
            LayerWeights layerWeights = Weights.Layers[i];
            LayerTraits traits = Config.Layer(i);
            Rotation? rotation = traits.Rope switch { RopeUse.Global => global, RopeUse.Local => local, _ => null };
            ScoreRule rule = Rule(traits, batch);
            void Block(ResidualStream through, Pass on)
            {
                using var layerScope = NewDisposeScope();
                Activation Attend(Activation qkv)
                {
                    if (layerWeights.QueryNorm is { } query) qkv = QueryKeyNorm.Forward(qkv, query, layerWeights.KeyNorm!, shape, on);
                    IReadOnlyList<AdapterRows> prompted = PromptAttention.On(layerWeights.Qkv, on);
                    if (prompted.Count > 0) qkv.AlsoRead();
                    Activation attended = batch.Sequences.Length == 0
                        ? Attention.Forward(qkv, shape, rule, rotation, on)
                        : CachedAttention.Forward(qkv, batch, shape, rule, rotation, layer, on);
                    return prompted.Count == 0 ? attended : PromptAttention.Forward(attended, qkv, prompted, layerWeights.Qkv, shape, rotation, on);
                }
                new DecoderBlock(Config, layerWeights, Attend, on).Forward(through);
            }
            if (pass.Recomputes) Recomputed.Forward(stream, Block, pass);
            else Block(stream, pass);
            BetweenBlocks(pass);
        }
        Activation last = stream.End(Weights.FinalNorm);
        return Weights.ProjectOut is null ? last : Linear.Forward(last, Weights.ProjectOut, pass);
    }

    /// <summary>Logits that follow each row's last token.</summary>
    /// <param name="hidden">What <see cref="Forward"/> returned for this batch; read for the last time.</param>
    /// <returns>[rows, vocabulary] in the compute dtype, lent by the pass's pool.</returns>
    public Tensor LastLogits(Activation hidden, TokenBatch batch, Pass pass) =>
        Logits(hidden, [.. Enumerable.Range(0, batch.Rows).Select(batch.LastToken)], pass);

    /// <summary>Logits that follow the given tokens, [tokens.Length, vocabulary].</summary>
    /// <param name="tokens">Ascending indices into the batch's rows·width tokens.</param>
    public Tensor Logits(Activation hidden, long[] tokens, Pass pass)
    {
        using var scope = NewDisposeScope();
        Tensor chosen = pass.Pool.Lend(hidden.Value.dtype, tokens.Length, hidden.Value.shape[1]);
        EmbeddingKernel.Gather(hidden.Value, tensor(tokens, device: hidden.Value.device), chosen);
        hidden.Done();
        Tensor logits = Linear.Forward(new Activation(chosen, needsGrad: false, pass.Pool), Weights.Head, pass.With(pass.AdaptersOf(tokens))).Value;
        LogitShape?.Forward(logits);
        return logits;
    }

    public void Dispose()
    {
        _global.Dispose();
        _local.Dispose();
    }

    private Activation Embed(TokenBatch batch, long[] positions, Pass pass)
    {
        // Recorded operations read these in the backward: they live as long as the step's scope.
        Tensor ids = tensor(batch.Ids, device: Weights.Device).MoveToOuterDisposeScope();
        Activation embedded = EmbeddingLookup.Forward(Weights.Embedding, ids, pass);
        pass.EmbeddingNoise?.Invoke(embedded.Value);
        if (Weights.ProjectIn is not null) embedded = Linear.Forward(embedded, Weights.ProjectIn, pass);
        embedded = Scaled.Forward(embedded, InDtype(Config.EmbeddingScale), pass);
        if (Weights.Positions is null) return embedded;
        Tensor rows = tensor([.. positions.Select(position => position + Config.PositionOffset!.Value)], device: Weights.Device).MoveToOuterDisposeScope();
        return Sum.Forward(embedded, EmbeddingLookup.Forward(Weights.Positions, rows, pass), pass);
    }

    /// <summary>A factor as the model's dtype has it: Gemma rounds sqrt(hidden).</summary>
    private float InDtype(float factor)
    {
        if (Weights.Dtype == ScalarType.Float32) return factor;
        using Tensor rounded = tensor(factor).to_type(Weights.Dtype).to_type(ScalarType.Float32);
        return rounded.item<float>();
    }

    private ScoreRule Rule(LayerTraits traits, TokenBatch batch) => new(Config.AttentionScale ?? 1 / MathF.Sqrt(Config.HeadDim))
    {
        SoftCap = Config.ScoreSoftCap,
        Slopes = _slopes,
        Window = traits.Window,
        SequenceStarts = batch.SequenceStarts,
    };

    private bool Uses(RopeUse use) => Config.LayerTraits.Count == 0 ? Config.Layer(0).Rope == use : Config.LayerTraits.Any(layer => layer.Rope == use);

    private static void BetweenBlocks(Pass pass)
    {
        if (pass.YieldPoint is null) return;
        pass.YieldPoint();
        pass.Tape?.Record(pass.YieldPoint);
    }
}
