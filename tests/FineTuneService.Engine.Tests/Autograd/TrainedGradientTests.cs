using FineTuneService.Eager;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Optimizers;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Autograd;

/// <summary>Steps of training on the tape: at each state that they pass through, libtorch's autograd gives the same gradients.</summary>
public sealed class TrainedGradientTests
{
    private const int Steps = 3, Rows = 3, Width = 29;

    [Fact]
    public void TrainingStep_LowRank_EqualsAutogradAtEveryState()
    {
        using var scope = NewDisposeScope();
        using BaseModel model = TinyModel.Make(ScalarType.Float32);
        using Adapter adapter = TinyModel.AdapterOf(model);
        using var parameters = new AdapterParameters(adapter);
        IEnumerable<(string, Tensor)> tape = parameters.Lora.Parts.SelectMany(part => new[] { (part.Module + " dA", part.A), (part.Module + " dB", part.B) });
        Train(model, parameters, adapter, tape, () =>
        {
            var leaves = adapter.Values.Parts.ToDictionary(part => part.Module, part => Leaf.Of(part, ScalarType.Float32));
            Tensor loss = new EagerDecoder(model.Config, model.Weights, leaves, adapter.Config.Scaling).Loss(Batch());
            return (loss, [.. leaves.Values.SelectMany(pair => new[] { pair.A, pair.B })]);
        });
    }

    [Theory, InlineData(true), InlineData(false)]
    public void TrainingStep_EveryParameter_EqualsAutogradAtEveryState(bool tied)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = TinyModel.Make(ScalarType.Float32, tied);
        using var parameters = new ModelParameters(model.Config.Slots, model.Weights);
        Tensor[] trained = [.. Leaf.Of(model.Weights, ScalarType.Float32).Pairs.Select(pair => pair.Source)];
        var tape = trained.Select((weight, i) => ($"parameter {i}, {string.Join('×', weight.shape)}", parameters.Gradients.Of(weight)!));
        Train(model, parameters, null, tape, () =>
        {
            (DecoderWeights weights, IReadOnlyList<(Tensor Source, Tensor Leaf)> pairs) = Leaf.Of(model.Weights, ScalarType.Float32);
            return (new EagerDecoder(model.Config, weights, new Dictionary<string, (Tensor, Tensor)>(), 0).Loss(Batch()), [.. pairs.Select(pair => pair.Leaf)]);
        });
    }

    /// <param name="tape">The gradients that the tape writes.</param>
    /// <param name="autograd">The loss at the present state, and the leaves of its gradients.</param>
    private static void Train(
        BaseModel model, TrainedParameters parameters, Adapter? adapter, IEnumerable<(string, Tensor)> tape, Func<(Tensor Loss, Tensor[] Leaves)> autograd)
    {
        var config = new TrainingConfig { Lora = adapter?.Config };
        using var decoder = new Decoder(model.Config, model.Weights);
        using var optimizer = new AdamW(config.Optimizer, parameters.Set(config.Optimizer));
        using var step = new TrainingStep(decoder, parameters, adapter, optimizer, config);
        MicroBatch batch = MicroBatch.Of([.. Ids().Select(row => new TrainingRow(row, row))]);
        var losses = new List<double>();
        for (int i = 0; i < Steps; i++)
        {
            double loss = step.Accumulate([batch]).Loss;
            GradientAssert.Equal(ScalarType.Float32, [.. tape], _ =>
            {
                (Tensor eager, Tensor[] leaves) = autograd();
                eager.backward();
                Assert.Equal(eager.item<float>(), loss, tolerance: 1e-5);
                return [.. leaves.Select(leaf => leaf.grad!)];
            });
            losses.Add(step.Run([batch], learningRate: 1e-2).Loss);
        }
        Assert.True(losses[^1] < losses[0], "training made no difference");
    }

    private static Tensor Batch() => tensor(Ids().SelectMany(row => row).Select(id => (long)id).ToArray()).view(Rows, Width);

    private static int[][] Ids() =>
        [.. Enumerable.Range(0, Rows).Select(row => Enumerable.Range(0, Width).Select(i => (i * i + row * 13) % TinyModel.Config.VocabularySize).ToArray())];
}
