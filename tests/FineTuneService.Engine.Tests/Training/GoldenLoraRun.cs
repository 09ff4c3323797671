using System.Globalization;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>Runs a golden case through the Engine and compares every number that the reference stored.</summary>
internal sealed class GoldenLoraRun : IDisposable
{
    private readonly GoldenLoraCase _golden;
    private readonly Adapter? _adapter;
    private readonly TrainedParameters _parameters;
    private readonly Decoder _decoder;
    private readonly TrainingStep _step;
    private double _worstLoss;

    public GoldenLoraRun(GoldenLoraCase golden, string adapter)
    {
        _golden = golden;
        TrainingConfig config = golden.Recipe.Config;
        if (config.Lora is not null) _adapter = golden.Adapter(adapter);
        _parameters = _adapter is null ? new ModelParameters(golden.Model.Weights) : new AdapterParameters(_adapter);
        Optimizer = new AdamW(_parameters.Values.numel(), _parameters.Values.dtype, CPU, config);
        _decoder = new Decoder(golden.Model.Config, golden.Model.Weights);
        _step = new TrainingStep(_decoder, _parameters, _adapter, Optimizer, config);
    }

    public AdamW Optimizer { get; }

    public string Summary => string.Create(CultureInfo.InvariantCulture, $"largest relative difference of a loss {_worstLoss:0.0e+0}");

    public void CompareStep(int step)
    {
        JsonNode expected = _golden.Expected["steps"]!.AsArray().First(s => (int)s!["step"]! == step)!;
        double rate = LearningRate.At(step, _golden.Recipe.Config.MaxSteps!.Value, _golden.Recipe.Config);
        StepResult result = _step.Run(_golden.Step(step), rate);
        Assert.Equal((double)expected["learning_rate"]!, rate, 1e-12);
        Assert.Equal((long)expected["tokens"]!, result.Tokens);
        Near((double)expected["grad_norm"]!, result.GradNorm, "grad_norm", $"grad norm of step {step}");
        NearLoss((double)expected["loss"]!, result.Loss, $"loss of step {step}");
    }

    public void CompareEvaluation(int step)
    {
        if (_golden.Expected["eval_loss"]![step.ToString(CultureInfo.InvariantCulture)] is not { } expected) return;
        double loss = Evaluator.Evaluate(_decoder, _adapter, _golden.EvaluationRows, 4, _step.Pool).Loss;
        NearLoss((double)expected, loss, $"evaluation loss after step {step}");
    }

    public void CompareFirstGradients()
    {
        _step.Accumulate(_golden.Step(1));
        Dictionary<string, Tensor> expected = TensorFile.Read(Path.Combine(_golden.Folder, "gradients-step1.safetensors"));
        double largest = expected.Values.Max(g => g.abs().max().to_type(ScalarType.Float32).item<float>());
        foreach ((string name, Tensor gradient) in Gradients())
        {
            // The reference stores none for a matrix that a row's loss does not reach.
            if (!expected.TryGetValue(name, out Tensor? reference)) continue;
            double difference = (gradient.to_type(ScalarType.Float32) - reference.to_type(ScalarType.Float32)).abs().max().item<float>();
            Assert.True(difference <= _golden.Tolerance("gradients") * largest, $"gradient of {name} differs by {difference} where the largest is {largest}");
        }
    }

    public void CompareFinal()
    {
        if (_adapter is null) return;
        using Adapter expected = _golden.Adapter("adapter-final");
        Tensor reference = expected.Values.Flat.to_type(ScalarType.Float32);
        double distance = ((_adapter.Values.Flat.to_type(ScalarType.Float32) - reference).norm() / reference.norm()).item<float>();
        Assert.True(distance <= _golden.Tolerance("adapter_l2"), $"the final adapter is {distance} away");
    }

    public void Dispose()
    {
        _step.Dispose();
        _decoder.Dispose();
        Optimizer.Dispose();
        _parameters.Dispose();
        _adapter?.Dispose();
    }

    private IEnumerable<(string, Tensor)> Gradients()
    {
        if (_parameters is not AdapterParameters adapter) return FullGradients();
        return adapter.Lora.Parts.SelectMany<JoinedLoraPart, (string, Tensor)>(part =>
            [(GoldenLoraCase.Key(part, "A"), part.A), (GoldenLoraCase.Key(part, "B"), part.B)]);
    }

    private IEnumerable<(string, Tensor)> FullGradients()
    {
        DecoderWeights weights = _golden.Model.Weights;
        Tensor Of(Tensor weight) => _parameters.Gradients.Of(weight)!;
        yield return ("model.embed_tokens.weight", Of(weights.EmbedTokens));
        yield return ("model.norm.weight", Of(weights.FinalNorm));
        for (int i = 0; i < weights.Layers.Length; i++)
        {
            LayerWeights layer = weights.Layers[i];
            yield return ($"model.layers.{i}.input_layernorm.weight", Of(layer.InputNorm));
            yield return ($"model.layers.{i}.post_attention_layernorm.weight", Of(layer.PostAttentionNorm));
            foreach (LinearWeight linear in (LinearWeight[])[layer.Qkv, layer.O, layer.GateUp, layer.Down])
            {
                foreach (LinearPart part in linear.Parts)
                    yield return (part.Module + ".weight", Of(linear.Stored!).narrow(0, part.Offset, part.Out));
            }
        }
    }

    private void NearLoss(double expected, double actual, string what)
    {
        _worstLoss = Math.Max(_worstLoss, Math.Abs(actual - expected) / expected);
        Near(expected, actual, "loss", what);
    }

    private void Near(double expected, double actual, string tolerance, string what) =>
        Assert.True(Math.Abs(actual - expected) <= _golden.Tolerance(tolerance) * expected, $"{what} is {actual} instead of {expected}");
}
