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

/// <summary>The tape's backward of a joined linear layer, against libtorch's autograd over its parts.</summary>
public sealed class LinearGradientTests
{
    private const int Rows = 2, Width = 19, Tokens = Rows * Width;

    [Theory]
    [InlineData(ScalarType.Float32, QuantizationType.None, 0), InlineData(ScalarType.BFloat16, QuantizationType.None, 0)]
    [InlineData(ScalarType.Float32, QuantizationType.Nf4, 0), InlineData(ScalarType.BFloat16, QuantizationType.Nf4, 0)]
    [InlineData(ScalarType.Float32, QuantizationType.None, 0.3), InlineData(ScalarType.BFloat16, QuantizationType.None, 0.3)]
    public void Linear_LowRankBranches_EqualsAutograd(ScalarType dtype, QuantizationType quantization, double dropout)
    {
        using var scope = NewDisposeScope();
        using var run = new TapeRun();
        using BaseModel model = TinyModel.Make(dtype, quantization: quantization);
        using Adapter adapter = TinyModel.AdapterOf(model);
        using var gradients = new LoraTensors(adapter.Values.Layout, ScalarType.Float32, CPU);
        LinearWeight weight = model.Weights.Layers[0].Qkv;
        Dropout? drop = dropout == 0 ? null : new LoraDropout(dropout, seed: 8, run.Pool).Of(step: 1, rows: [4, 2], Width);
        (Tensor x, Tensor dy) = (Leaf.Draw(1, dtype, Tokens, weight.In), Leaf.Draw(2, dtype, Tokens, weight.Out));
        Activation input = TapeRun.Input(x);
        run.Backward((Linear.Forward(input, weight, run.Pass(new Gradients(gradients), adapter, Tokens, drop)), dy));

        List<(string, Tensor)> tape = [("dx", input.Grad!)];
        foreach (JoinedLoraPart part in gradients.Of(weight)!.Parts) tape.AddRange([(part.Module + " dA", part.A), (part.Module + " dB", part.B)]);
        GradientAssert.Equal(dtype, tape, computed =>
        {
            Tensor leafX = Leaf.Of(x, computed), dense = weight.Dense(run.Pool).to_type(computed), bias = weight.Bias!.to_type(computed);
            var leaves = new List<Tensor> { leafX };
            foreach (JoinedLoraPart part in adapter.Values.Of(weight)!.Parts)
            {
                (Tensor A, Tensor B) lora = Leaf.Of(part, dtype);
                Tensor mask = ones_like(x);
                drop?.Invoke(part.Module, mask, mask);
                Tensor frozen = EagerOperations.Linear(leafX, dense.narrow(0, part.OutOffset, part.Out), bias.narrow(0, part.OutOffset, part.Out), null, 0);
                Tensor branch = EagerOperations.Linear(leafX * mask, zeros([part.Out, weight.In], computed), null, lora, adapter.Config.Scaling);
                ((frozen + branch) * dy.narrow(1, part.OutOffset, part.Out)).sum().backward();
                leaves.AddRange([lora.A, lora.B]);
            }
            return [.. leaves.Select(leaf => leaf.grad!)];
        });
    }

    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.BFloat16)]
    public void Linear_WeightAndBiasTrained_EqualsAutograd(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var run = new TapeRun();
        using BaseModel model = TinyModel.Make(dtype);
        LinearWeight weight = model.Weights.Layers[0].Up!;
        Tensor dWeight = zeros(weight.Out, weight.In), dBias = zeros(weight.Out);
        (Tensor x, Tensor dy) = (Leaf.Draw(1, dtype, Tokens, weight.In), Leaf.Draw(2, dtype, Tokens, weight.Out));
        Activation input = TapeRun.Input(x);
        var gradients = new Gradients([(weight.Stored!, dWeight), (weight.Bias!, dBias)]);
        run.Backward((Linear.Forward(input, weight, run.Pass(gradients)), dy));

        GradientAssert.Equal(dtype, [("dx", input.Grad!), ("dW", dWeight), ("d bias", dBias)], computed =>
        {
            Tensor[] leaves = [Leaf.Of(x, computed), Leaf.Of(weight.Stored!, computed), Leaf.Of(weight.Bias!, computed)];
            (EagerOperations.Linear(leaves[0], leaves[1], leaves[2], null, 0) * dy).sum().backward();
            return [.. leaves.Select(leaf => leaf.grad!)];
        });
    }
}
