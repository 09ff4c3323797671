using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Tests.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Lora;

/// <summary>Where new adapters begin: A and B of the base's own weights, and a base that nobody changes.</summary>
public sealed class InitialisationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly BaseModel _model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 1);

    [Theory]
    [InlineData("default")]
    [InlineData("gaussian")]
    [InlineData("pissa")]
    [InlineData("pissa_niter_4")]
    [InlineData("olora")]
    public void Create_EachInitialisation_ChangesNothingYet(string name)
    {
        using var scope = NewDisposeScope();
        foreach (bool dora in new[] { false, true })
        {
            using Adapter adapter = Adapter.Create(_model, Config(name) with { UseDora = dora, Dropout = 0.5 }, seed: 3);
            Assert.True(adapter.ChangesNothing);
            int[][] rows = [[1, 2, 3, 4], [9, 8, 7]];
            using var run = new ReferenceRun(_model);
            Tensor difference = run.Logits(rows, adapter) - run.Logits(rows);
            Assert.True(difference.abs().max().item<float>() < 1e-5);
            JoinedLoraPart part = adapter.Values.Parts.First();
            part.B[0, 0] += 1;
            Assert.False(adapter.ChangesNothing);
        }
    }

    [Fact]
    public void Create_Pissa_TakesTheLargestSingularValues()
    {
        using var scope = NewDisposeScope();
        using Adapter exact = Adapter.Create(_model, Config("pissa"), seed: 3), near = Adapter.Create(_model, Config("pissa_niter_100"), seed: 3);
        foreach (JoinedLoraPart part in exact.Values.Parts)
        {
            Tensor weight = Weight(part), values = linalg.svdvals(weight);
            Tensor left = weight - part.B.mm(part.A) * part.Scaling;
            Assert.Equal(values[part.Rank].item<float>(), linalg.svdvals(left)[0].item<float>(), 1e-4f);
            Assert.True((part.A.norm(1) - part.B.norm(0)).abs().max().item<float>() < 1e-4);
            JoinedLoraPart other = near.Values[part.Module]!;
            Assert.True(linalg.svdvals(weight - other.B.mm(other.A) * other.Scaling)[0].item<float>() < 1.02 * values[part.Rank].item<float>(), part.Module);
        }
    }

    [Fact]
    public void Create_Loftq_IsNearerToTheFilesWeights()
    {
        using var scope = NewDisposeScope();
        _model.Save(_folder.Path, ComputeDtype.Fp32);
        using BaseModel quantised = BaseModel.Load(_folder.Path, new BasePrecision(ComputeDtype.Fp32, QuantizationType.Nf4));
        using Adapter adapter = Adapter.Create(quantised, Config("loftq"), seed: 3);
        using var pool = new BufferPool(CPU);
        foreach ((LinearWeight stored, LinearWeight linear) in quantised.Weights.Linears.Zip(_model.Weights.Linears))
        {
            foreach (LinearPart place in linear.Parts.Where(place => adapter[place.Module] is not null))
            {
                Tensor original = linear.Stored!.narrow(0, place.Offset, place.Out), held = stored.Dense(pool).narrow(0, place.Offset, place.Out);
                double before = (original - held).norm().item<float>(), after = (original - AdapterMerge.Merged(stored, place, adapter, pool)).norm().item<float>();
                Assert.True(after < 0.9 * before, $"{place.Module}: {after} of {before}");
            }
        }
        Assert.Null(adapter.Removed);
    }

    [Theory]
    [InlineData("eva", "eva")]
    [InlineData("loftq", "needs a base in int8, nf4 or fp4")]
    [InlineData("pissa_niter_0", "pissa_niter_0")]
    [InlineData("pissa_niter_101", "pissa_niter_101")]
    [InlineData("corda", "corda")]
    public void Create_WhatCannotBe_IsRefusedByName(string name, string named) =>
        Assert.Contains(named, Assert.ThrowsAny<ArgumentException>(() => Adapter.Create(_model, Config(name), seed: 3)).Message);

    [Theory]
    [InlineData("pissa", 17)]
    [InlineData("olora", 1025)]
    public void Create_RankAboveTheModules_IsRefused(string name, int rank) =>
        Assert.Contains($"rank {rank}", Assert.ThrowsAny<ArgumentException>(() => Adapter.Create(_model, Config(name) with { Rank = rank }, seed: 3)).Message);

    [Theory]
    [InlineData("pissa_niter_16")]
    [InlineData("loftq")]
    [InlineData("corda")]
    public void Parse_WhatCannotBeMadeAgain_IsNamed(string name)
    {
        string json = $$"""{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"], "init_lora_weights": "{{name}}"}""";
        Assert.Contains(name, Assert.Throws<AdapterException>(() => PeftConfig.Parse(json)).Message);
    }

    [Fact]
    public void Train_PissaUnderRslora_IsSavedForTheBaseAsItIs()
    {
        using var scope = NewDisposeScope();
        LoraConfig lora = Config("pissa") with { UseRslora = true, Dropout = 0.2, RankPattern = new Dictionary<string, int> { ["q_proj"] = 2 }, AlphaPattern = new Dictionary<string, double> { ["q_proj"] = 3 } };
        var config = new TrainingConfig { Lora = lora, MaxSteps = 4, SaveEvery = 2, LearningRate = 1e-2, MicroBatchSize = 2 };
        using var straight = new Trainer(_model, config, Tiny.Rows(8), null, Path.Combine(_folder.Path, "straight"));
        straight.Run(_ => { });
        string cut = Path.Combine(_folder.Path, "cut");
        int steps = 0;
        using (var first = new Trainer(_model, config, Tiny.Rows(8), null, cut)) first.Run(e => steps += e is StepFinished ? 1 : 0, () => steps == 2);
        using var second = new Trainer(_model, config, Tiny.Rows(8), null, cut);
        second.Run(_ => { });
        Assert.True(straight.Adapter!.Values.Flat.Equals(second.Adapter!.Values.Flat));

        PeftFolder.Save(straight.Adapter, _folder.Path, "tiny");
        using Adapter loaded = Adapter.Load(_folder.Path, _model);
        using var run = new ReferenceRun(_model);
        int[][] rows = [[1, 2, 3, 4], [9, 8, 7]];
        Tensor trained = run.Logits(rows, straight.Adapter);
        Assert.True((trained - run.Logits(rows)).abs().max().item<float>() > 1e-3);
        Assert.True((trained - run.Logits(rows, loaded)).abs().max().item<float>() < 1e-4);
        straight.Adapter.Dispose();
        second.Adapter.Dispose();
    }

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    private static LoraConfig Config(string initialisation) => new() { Rank = 4, Alpha = 12, Initialisation = initialisation };

    private Tensor Weight(JoinedLoraPart part)
    {
        LinearWeight linear = _model.Weights.Linears.First(linear => linear.Parts.Contains(part.Place.Part));
        return linear.Stored!.narrow(0, part.OutOffset, part.Out);
    }
}
