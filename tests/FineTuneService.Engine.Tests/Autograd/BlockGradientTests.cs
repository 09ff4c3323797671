using FineTuneService.Eager;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Autograd;

/// <summary>A whole decoder block and the norm after it, against libtorch's autograd.</summary>
public sealed class BlockGradientTests
{
    private const int Rows = 2, Width = 23, Tokens = Rows * Width;

    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.BFloat16)]
    public void DecoderBlock_LowRankBranches_EqualsAutograd(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = TinyModel.Make(dtype);
        using Adapter adapter = TinyModel.AdapterOf(model);
        using var gradients = new LoraTensors(adapter.Values.Layout, ScalarType.Float32, CPU);
        JoinedLoraPart[] trained = [.. gradients.Parts.Where(part => part.Module.StartsWith("model.layers.0.", StringComparison.Ordinal))];
        var tape = trained.SelectMany(part => new[] { (part.Module + " dA", part.A), (part.Module + " dB", part.B) });
        Check(model, dtype, new Gradients(gradients), adapter, tape, (_, leaves) => trained.SelectMany(part => new[] { leaves[part.Module].A, leaves[part.Module].B }));
    }

    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.BFloat16)]
    public void DecoderBlock_EveryParameterTrained_EqualsAutograd(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = TinyModel.Make(dtype);
        Tensor[] trained = [.. Trained(model.Weights)], gradients = [.. trained.Select(weight => zeros(weight.shape))];
        var tape = gradients.Select((gradient, i) => ($"parameter {i}, {string.Join('×', gradient.shape)}", gradient));
        Check(model, dtype, new Gradients(trained.Zip(gradients)), null, tape, (weights, _) => Trained(weights));
    }

    /// <summary>The first block's parameters and the final norm, which is taken after it here.</summary>
    private static IEnumerable<Tensor> Trained(DecoderWeights weights)
    {
        LayerWeights layer = weights.Layers[0];
        return [layer.BeforeAttention!.Weight, layer.BeforeMlp!.Weight, weights.FinalNorm!.Weight, .. layer.Linears.SelectMany(linear => new[] { linear.Stored!, linear.Bias! })];
    }

    private static void Check(
        BaseModel model, ScalarType dtype, Gradients gradients, Adapter? adapter, IEnumerable<(string, Tensor)> tape,
        Func<DecoderWeights, Dictionary<string, (Tensor A, Tensor B)>, IEnumerable<Tensor>> trained)
    {
        using var run = new TapeRun();
        ModelConfig config = model.Config;
        using var rotary = new RotaryTable(config.Rope(RopeUse.Global), false, CPU);
        Tensor[] drawn = [.. Enumerable.Range(1, 3).Select(seed => Leaf.Draw((ulong)seed, dtype, Tokens, config.HiddenSize))];
        (Tensor x, Tensor dStream, Tensor dNormed) = (drawn[0], drawn[1], drawn[2]);
        Activation input = TapeRun.Input(x);
        (Activation stream, Activation normed) = Forward(model, rotary, input, run.Pass(gradients, adapter, Tokens));
        run.Backward((stream, dStream), (normed, dNormed));
        GradientAssert.Equal(dtype, [("dx", input.Grad!), .. tape], computed =>
        {
            DecoderWeights weights = Leaf.Of(model.Weights, computed).Weights;
            Dictionary<string, (Tensor A, Tensor B)> leaves = adapter?.Values.Parts.ToDictionary(part => part.Module, part => Leaf.Of(part, dtype)) ?? [];
            Tensor leafX = Leaf.Of(x, computed);
            var decoder = new EagerDecoder(config, weights, leaves, adapter?.Config.Scaling ?? 0);
            Tensor after = decoder.Block(leafX.view(Rows, Width, -1), weights.Layers[0], EagerPositions.Of(config, Width, computed)).view(Tokens, -1);
            ((EagerOperations.Norm(after, weights.FinalNorm!.Weight, config.Epsilon) * dNormed).sum() + (after * dStream).sum()).backward();
            return [leafX.grad!, .. trained(weights, leaves).Select(leaf => leaf.grad!)];
        });
    }

    private static (Activation Stream, Activation Normed) Forward(BaseModel model, RotaryTable rotary, Activation input, Pass pass)
    {
        ModelConfig config = model.Config;
        Rotation rotation = rotary.For([.. Enumerable.Range(0, Tokens).Select(i => (long)(i % Width))]);
        var shape = new AttentionShape(Rows, Width, config.Heads, config.KeyValueHeads, config.HeadDim);
        var rule = new ScoreRule(1 / MathF.Sqrt(config.HeadDim));
        // Read by the block and, for the test's own gradient, once more.
        var stream = new ResidualStream(input, pass);
        new DecoderBlock(config, model.Weights.Layers[0], qkv => Attention.Forward(qkv, shape, rule, rotation, pass), pass).Forward(stream);
        Activation normed = stream.Norm(model.Weights.FinalNorm!);
        return (stream.Read(), normed);
    }
}
