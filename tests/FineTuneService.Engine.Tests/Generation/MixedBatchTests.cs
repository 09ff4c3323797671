using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Tests.Lora;
using FineTuneService.Engine.Tests.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Generation;

/// <summary>Rows of one batch through adapter A, adapter B and the base alone, against three runs of one row each.</summary>
public sealed class MixedBatchTests
{
    private const double Tolerance = 1e-5;

    [Theory]
    [InlineData(QuantizationType.None, false, false)]
    [InlineData(QuantizationType.None, false, true)]
    [InlineData(QuantizationType.Nf4, false, false)]
    [InlineData(QuantizationType.Nf4, true, true)]
    public void Forward_AdaptersAndBaseInOneBatch_EqualSeparateRuns(QuantizationType quantization, bool doubleQuantization, bool prompts)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = BaseModel.Load(Shared.Path("models", "stories260K"), new BasePrecision(ComputeDtype.Fp32, quantization, doubleQuantization));
        using Adapter a = prompts ? WarmAdapter.MakePrompt(model, 1) : WarmAdapter.Make(model, 1), b = WarmAdapter.Make(model, 2);
        string before = BaseBytes.Hash(model);
        Adapter?[] adapters = [a, b, null];
        // A prompt, and two tokens that are decoded after it.
        int[][] steps = [[1, 403, 407, 261], [378], [432]];
        Tensor mixed = Logits(model, adapters, steps);
        for (int row = 0; row < adapters.Length; row++)
        {
            Tensor alone = Logits(model, [adapters[row]], steps).select(1, 0), together = mixed.select(1, row);
            // Of the largest logit: libtorch sums a product of one row in another order than one of twelve.
            Assert.InRange(Largest(together - alone) / Largest(alone), 0, Tolerance);
            Assert.InRange(Largest(Probabilities(together) - Probabilities(alone)), 0, Tolerance);
        }
        Assert.True(Largest(mixed.select(1, 0) - mixed.select(1, 2)) > 0.1, "the adapter changes nothing");
        Assert.Equal(before, BaseBytes.Hash(model));
    }

    private static Tensor Probabilities(Tensor logits) => logits.to_type(ScalarType.Float64).softmax(-1);

    private static double Largest(Tensor values) => values.abs().max().to_type(ScalarType.Float64).item<double>();

    /// <summary>[steps, rows, vocabulary]: what follows each step's last token.</summary>
    private static Tensor Logits(BaseModel model, Adapter?[] adapters, int[][] steps)
    {
        using var decoder = new Decoder(model.Config, model.Weights);
        using var pool = new BufferPool(CPU);
        var cache = new KvCache(model.Config.CacheShape, ScalarType.Float32, CPU);
        CachedSequence[] sequences = [.. adapters.Select(_ => cache.Begin())];
        var logits = new List<Tensor>();
        foreach (int[] step in steps)
        {
            var batch = new TokenBatch([.. adapters.Select(_ => step)], sequences);
            var rows = adapters.Select((adapter, row) => (adapter, row)).Where(pair => pair.adapter is not null);
            var pass = new Pass(pool) { Adapters = [.. rows.Select(pair => new AdapterRows(pair.adapter!, pair.row * batch.Width, batch.Width))] };
            logits.Add(decoder.LastLogits(decoder.Forward(batch, pass), batch, pass).clone());
            batch.Advance();
            pool.ReturnAll();
        }
        foreach (CachedSequence sequence in sequences) sequence.Dispose();
        return stack(logits);
    }
}
