using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Families;

/// <summary>Gradient checkpointing of every family: blocks that run again in the backward.</summary>
public sealed class RecomputedTests
{
    public static TheoryData<string, string, bool> Cases => new MatrixTheoryData<string, string, bool>(GoldenModel.Names, ["fp32", "bf16"], [false, true]);

    [Theory, MemberData(nameof(Cases))]
    public void Backward_BlocksRecomputed_GivesTheSameBits(string name, string dtype, bool lora)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = GoldenModel.Load(name, dtype == "bf16" ? BasePrecision.Bf16 : BasePrecision.Fp32);
        using Adapter? adapter = lora ? Adapter.Create(model, new LoraConfig { Rank = 3, Dropout = 0.1 }, seed: 5) : null;
        // B that is not zero, so that A has gradients too.
        adapter?.Values.Flat.add_(0.01);
        adapter?.Changed();
        using TrainedParameters parameters = adapter is null ? new ModelParameters(model.Config.Slots, model.Weights) : new AdapterParameters(adapter);
        (byte[] kept, double loss, long bytes) = Run(model, parameters, adapter, recomputes: false);
        (byte[] again, double same, long fewer) = Run(model, parameters, adapter, recomputes: true);
        Assert.Equal(loss, same);
        Assert.Equal(kept, again);
        if (model.Config.Layers > 2) Assert.True(fewer < bytes, $"{fewer} bytes instead of {bytes}");
    }

    [Fact]
    public void Run_ManyLayers_HoldsAFractionOfTheBuffers()
    {
        ModelConfig config = Tiny.Config with { Layers = 24 };
        using BaseModel model = BaseModel.Random(config, BasePrecision.Fp32, seed: 3);
        using Adapter adapter = Adapter.Create(model, new LoraConfig { Rank = 4 }, seed: 4);
        using var parameters = new AdapterParameters(adapter);
        (byte[] kept, _, long bytes) = Run(model, parameters, adapter, recomputes: false);
        (byte[] again, _, long fewer) = Run(model, parameters, adapter, recomputes: true);
        Assert.Equal(kept, again);
        Assert.True(3 * fewer < bytes, $"{fewer} bytes instead of {bytes}");
    }

    private static (byte[] Gradients, double Loss, long Bytes) Run(BaseModel model, TrainedParameters parameters, Adapter? adapter, bool recomputes)
    {
        using var scope = NewDisposeScope();
        using var decoder = new Decoder(model.Config, model.Weights);
        using var pool = new BufferPool(CPU);
        int[][] rows = [[.. Enumerable.Range(0, 17).Select(i => 3 + i * 5 % 60)], [.. Enumerable.Range(0, 9).Select(i => 7 + i * 3 % 50)]];
        MicroBatch batch = MicroBatch.Of([.. rows.Select(row => new TrainingRow(row, row))]);
        if (adapter is { Config.Dropout: > 0 }) batch = batch with { Dropout = new LoraDropout(adapter.Config.Dropout, 7, pool).Of(1, [0, 1], batch.Tokens.Width) };
        parameters.GradientValues.zero_();
        var step = new StepContext(decoder, adapter, parameters.Gradients, pool, recomputes);
        var tape = new Tape();
        Pass pass = step.Training(batch, tape);
        Activation hidden = decoder.Forward(batch.Tokens, pass);
        (Tensor sum, _) = HeadLoss.Forward(hidden, model.Weights.Head, batch.Targets, 1.0 / batch.Targets.Count, pass, decoder.LogitShape);
        tape.Backward();
        return (parameters.GradientValues.bytes.ToArray(), sum.item<double>(), pool.Bytes);
    }
}
