using FineTuneService.Eager;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Autograd;

/// <summary>The chunked head and cross-entropy, whose gradients are made in the forward, against libtorch's autograd over all logits.</summary>
public sealed class HeadLossGradientTests
{
    /// <summary>More labels than one chunk takes of this vocabulary, and every third token without a label.</summary>
    private const int Tokens = 1200, Hidden = 16, Vocabulary = 8192;

    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.BFloat16)]
    public void HeadLoss_TrainedHeadInChunks_EqualsAutograd(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var run = new TapeRun();
        (Tensor x, Tensor w) = (Leaf.Draw(1, dtype, Tokens, Hidden), Leaf.Draw(2, dtype, Vocabulary, Hidden));
        Tensor dWeight = zeros(Vocabulary, Hidden);
        var head = new LinearWeight(new DenseMatrix(w)) { Parts = [new LinearPart("lm_head", 0, Vocabulary)] };
        Check(x, dtype, head, new Gradients([(w, dWeight)]), null, run, [("dW", dWeight)]);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 0), InlineData(ScalarType.BFloat16, 0), InlineData(ScalarType.Float32, 0.3), InlineData(ScalarType.BFloat16, 0.3)]
    public void HeadLoss_LowRankHead_EqualsAutograd(ScalarType dtype, double dropout)
    {
        using var scope = NewDisposeScope();
        using var run = new TapeRun();
        using BaseModel model = TinyModel.Make(dtype);
        using Adapter adapter = TinyModel.AdapterOf(model);
        using var gradients = new LoraTensors(adapter.Values.Layout, ScalarType.Float32, CPU);
        JoinedLoraPart gradient = gradients.Of(model.Weights.Head)!.Parts[0];
        Tensor x = Leaf.Draw(1, dtype, Tokens, model.Config.HiddenSize);
        Dropout? drop = dropout == 0 ? null : new LoraDropout(dropout, seed: 8, run.Pool).Of(step: 1, rows: [.. Enumerable.Range(0, 4)], width: Tokens / 4);
        Check(x, dtype, model.Weights.Head, new Gradients(gradients), adapter, run, [("dA", gradient.A), ("dB", gradient.B)], drop);
    }

    /// <summary>Checks the loss, the gradient by the hidden states, and those of what trains: A and B, or the head's weight.</summary>
    private static void Check(
        Tensor x, ScalarType dtype, LinearWeight head, Gradients gradients, Adapter? adapter, TapeRun run, IEnumerable<(string, Tensor)> trained, Dropout? dropout = null)
    {
        long[] labels = [.. Enumerable.Range(0, Tokens).Select(i => i % 3 == 0 ? EagerOperations.Ignored : (long)i * 31 % head.Out)];
        long[] counted = [.. Enumerable.Range(0, Tokens).Where(i => labels[i] >= 0).Select(i => (long)i)];
        var targets = new LossTargets(counted, [.. counted.Select(i => labels[i])]);
        Activation hidden = TapeRun.Input(x);
        (Tensor sum, _) = HeadLoss.Forward(hidden, head, targets, 1.0 / targets.Count, run.Pass(gradients, adapter, Tokens, dropout));
        GradientAssert.Equal(dtype, [("dx", hidden.Grad!), .. trained], computed =>
        {
            (Tensor leafX, Tensor leafW) = (Leaf.Of(x, computed), Leaf.Of(head.Stored!, computed));
            (Tensor A, Tensor B)? lora = adapter is null ? null : Leaf.Of(adapter["lm_head"]!, dtype);
            Tensor mask = ones_like(x);
            dropout?.Invoke("lm_head", mask, mask);
            Tensor branch = lora is null ? zeros([], computed) : EagerOperations.Linear(leafX * mask, zeros_like(leafW), null, lora, adapter!.Config.Scaling);
            Tensor loss = EagerOperations.Loss(EagerOperations.Linear(leafX, leafW, null, null, 0) + branch, tensor(labels));
            loss.backward();
            Assert.Equal(loss.item<float>(), sum.item<double>() / targets.Count, dtype == ScalarType.Float32 ? 1e-5 : 1e-3);
            return lora is var (a, b) ? [leafX.grad!, a.grad!, b.grad!] : [leafX.grad!, leafW.grad!];
        });
    }
}
