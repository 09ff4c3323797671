using System.Globalization;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Methods;
using FineTuneService.Engine.Training.Optimizers;
using FineTuneService.Engine.Weights;
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
        _parameters = _adapter is null ? new ModelParameters(golden.Model.Config.Slots, golden.Model.Weights) : new AdapterParameters(_adapter);
        Optimizer = OptimizerTable.Make(config.Optimizer, _parameters.Set(config.Optimizer));
        _decoder = new Decoder(golden.Model.Config, golden.Model.Weights);
        _step = new TrainingStep(_decoder, _parameters, _adapter, Optimizer, config);
    }

    public Optimizer Optimizer { get; }

    public string Summary => string.Create(CultureInfo.InvariantCulture, $"largest relative difference of a loss {_worstLoss:0.0e+0}");

    public void CompareStep(int step)
    {
        JsonNode expected = _golden.Expected["steps"]!.AsArray().First(s => (int)s!["step"]! == step)!;
        double rate = LearningRate.At(step, _golden.Steps, _golden.Recipe.Config);
        StepResult result = _step.Run(_golden.Step(step), rate);
        Assert.Equal((double)expected["learning_rate"]!, rate, 1e-12);
        if (expected["tokens"] is { } tokens) Assert.Equal((long)tokens, result.Tokens);
        if (result.Preferences is { } preferences) ComparePreferences(expected, preferences, step);
        Near((double)expected["grad_norm"]!, result.GradNorm, "grad_norm", $"grad norm of step {step}");
        NearLoss((double)expected["loss"]!, result.Loss, $"loss of step {step}");
    }

    public void CompareEvaluation(int step)
    {
        if (_golden.Expected["eval_loss"]?[step.ToString(CultureInfo.InvariantCulture)] is not { } expected) return;
        double loss = Evaluator.Evaluate(_decoder, _adapter, _golden.EvaluationRows, 4, _step.Pool).Loss;
        NearLoss((double)expected, loss, $"evaluation loss after step {step}");
    }

    public void CompareFirstGradients()
    {
        _step.Accumulate(_golden.Step(1));
        CompareGradients("gradients-step1.safetensors");
    }

    /// <summary>Loss and gradients of the same sequences packed into rows, and each in a row of its own.</summary>
    public void ComparePacking()
    {
        foreach (string kind in new[] { "packed", "unpacked" })
        {
            StepResult result = _step.Accumulate([_golden.PackingBatch(kind)]);
            NearLoss((double)_golden.Expected[kind + "_loss"]!, result.Loss, $"{kind} loss");
            Assert.Equal((long)_golden.Expected["tokens"]!, result.Tokens);
            CompareGradients($"gradients-{kind}.safetensors");
        }
    }

    private void CompareGradients(string file)
    {
        Dictionary<string, Tensor> expected = TensorFile.Read(Path.Combine(_golden.Folder, file));
        Assert.NotEmpty(Gradients().Select(g => g.Item1).Intersect(expected.Keys));
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
        Dictionary<string, Tensor> expected = _adapter is null
            ? TensorFile.Read(Path.Combine(_golden.Folder, "model-final", "model.safetensors"))
            : TensorFile.Read(Path.Combine(_golden.Folder, "adapter-final", "adapter_model.safetensors"));
        Compare(expected, _adapter is null ? Named(weight => weight) : Matrices(_adapter.Values), "the final parameters");
    }

    /// <summary>The final adapter as one of the base as it is, where the reference stored it.</summary>
    public void CompareConverted()
    {
        string folder = Path.Combine(_golden.Folder, "adapter-final-converted");
        if (_adapter is null || !Directory.Exists(folder)) return;
        using var saved = new TemporaryFolder();
        PeftFolder.Save(_adapter, saved.Path, "base");
        JsonNode theirs = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, PeftFolder.ConfigFile)))!, ours = JsonNode.Parse(File.ReadAllText(Path.Combine(saved.Path, PeftFolder.ConfigFile)))!;
        foreach (string option in new[] { "r", "lora_alpha", "rank_pattern", "alpha_pattern" }) Assert.Equal(theirs[option]!.ToJsonString(), ours[option]!.ToJsonString());
        Dictionary<string, Tensor> expected = TensorFile.Read(Path.Combine(folder, PeftFolder.WeightsFile)), made = TensorFile.Read(Path.Combine(saved.Path, PeftFolder.WeightsFile));
        Assert.Equal(expected.Keys.Order(), made.Keys.Order());
        Compare(expected, made.Select(entry => (entry.Key, entry.Value)), "the converted adapter");
    }

    /// <summary>W + s·B·A of the final adapter, where the reference stored it.</summary>
    public void CompareMerged()
    {
        string file = Path.Combine(_golden.Folder, "merged.safetensors");
        if (_adapter is null || !File.Exists(file)) return;
        Compare(TensorFile.Read(file), _golden.Model.Weights.Linears.SelectMany(linear => linear.Parts.Where(part => _adapter[part.Module] is not null)
            .Select(part => (part.Module + ".weight", AsStored(AdapterMerge.Merged(linear, part, _adapter, _step.Pool))))), "the merged weights");
    }

    private Tensor AsStored(Tensor weight) => _golden.Model.Config.TransposedLinears ? weight.t() : weight;

    /// <summary>Puts the optimizer where the reference's was.</summary>
    /// <param name="folder">A stored state of the run: optimizer.safetensors and schedule.json.</param>
    /// <returns>Steps that it had taken.</returns>
    public int Restore(string folder)
    {
        Dictionary<string, Tensor> stored = TensorFile.Read(Path.Combine(folder, "optimizer.safetensors"));
        foreach ((string name, Tensor state) in Optimizer.State)
        {
            (string field, string parameter) = (name[..name.IndexOf('.')], name[(name.IndexOf('.') + 1)..]);
            state.copy_(stored[$"{parameter}.{field}"]);
        }
        return Optimizer.Steps = (int)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "schedule.json")))!["completed_steps"]!;
    }

    public void Dispose()
    {
        _step.Dispose();
        _decoder.Dispose();
        Optimizer.Dispose();
        _parameters.Dispose();
        _adapter?.Dispose();
    }

    private IEnumerable<(string, Tensor)> Gradients() =>
        _parameters is AdapterParameters adapter ? Matrices(adapter.Lora) : Named(weight => _parameters.Gradients.Of(weight)!);

    private static IEnumerable<(string, Tensor)> Matrices(LoraTensors tensors) =>
        tensors.Layout.Views.Select(entry => (entry.Key, entry.View.In(tensors.Flat)));

    /// <summary>Every weight of the model, or what stands for it, by its name in a checkpoint.</summary>
    private IEnumerable<(string, Tensor)> Named(Func<Tensor, Tensor> of)
    {
        DecoderWeights weights = _golden.Model.Weights;
        ModelSlots slots = _golden.Model.Config.Slots;
        yield return (slots.Embedding.Name, of(weights.EmbedTokens));
        foreach ((NormSlot slot, NormWeight norm) in slots.Norms.Zip(weights.Norms)) yield return (slot.Weights.Single().Name, of(norm.Weight));
        foreach (LinearWeight linear in weights.Layers.SelectMany(layer => layer.Linears))
        {
            foreach (LinearPart part in linear.Parts) yield return (part.Module + ".weight", of(linear.Stored!).narrow(0, part.Offset, part.Out));
        }
    }

    private void ComparePreferences(JsonNode expected, PreferenceStatistics made, int step)
    {
        (string, double)[] figures =
            [("rewards/chosen", made.RewardChosen), ("rewards/rejected", made.RewardRejected), ("rewards/margins", made.Margin),
             ("rewards/accuracies", made.Accuracy), ("logps/chosen", made.LogChosen), ("logps/rejected", made.LogRejected)];
        foreach ((string name, double value) in figures)
        {
            double wanted = (double)expected[name]!;
            Assert.True(Math.Abs(value - wanted) <= _golden.Tolerance("rewards") * Math.Max(1, Math.Abs(wanted)), $"{name} of step {step} is {value} instead of {wanted}");
        }
    }

    /// <summary>All tensors together, relative to the reference's length.</summary>
    private void Compare(Dictionary<string, Tensor> expected, IEnumerable<(string Name, Tensor Value)> made, string what)
    {
        double difference = 0, length = 0;
        foreach ((string name, Tensor value) in made)
        {
            Tensor reference = expected[name].to_type(ScalarType.Float32);
            difference += (value.to_type(ScalarType.Float32) - reference).pow(2).sum(ScalarType.Float64).item<double>();
            length += reference.pow(2).sum(ScalarType.Float64).item<double>();
        }
        Assert.True(length > 0, $"{what}: nothing was compared");
        double distance = Math.Sqrt(difference / length);
        Assert.True(distance <= _golden.Tolerance("adapter_l2"), $"{what} are {distance} away");
    }

    private void NearLoss(double expected, double actual, string what)
    {
        _worstLoss = Math.Max(_worstLoss, Math.Abs((actual - expected) / expected));
        Near(expected, actual, "loss", what);
    }

    private void Near(double expected, double actual, string tolerance, string what) =>
        Assert.True(Math.Abs(actual - expected) <= _golden.Tolerance(tolerance) * Math.Abs(expected), $"{what} is {actual} instead of {expected}");
}
