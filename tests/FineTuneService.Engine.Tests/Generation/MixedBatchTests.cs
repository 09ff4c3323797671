using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Models.Operations;
using FineTuneService.Engine.Tests.Lora;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Generation;

/// <summary>Rows of one batch through adapter A, adapter B and the base alone, against three runs of one row each.</summary>
public sealed class MixedBatchTests
{
    [Theory]
    [InlineData(QuantizationType.None)]
    [InlineData(QuantizationType.Nf4)]
    public void Forward_AdaptersAndBaseInOneBatch_EqualSeparateRuns(QuantizationType quantization)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = BaseModel.Load(Shared.Path("models", "stories260K"), new BasePrecision(ComputeDtype.Fp32, quantization));
        using Adapter a = WarmAdapter.Make(model, 1), b = WarmAdapter.Make(model, 2);
        Adapter?[] adapters = [a, b, null];
        // A prompt, and two tokens that are decoded after it.
        int[][] steps = [[1, 403, 407, 261], [378], [432]];
        Tensor mixed = Logits(model, adapters, steps);
        for (int row = 0; row < adapters.Length; row++)
        {
            Tensor alone = Logits(model, [adapters[row]], steps).select(1, 0);
            // Of the largest logit: libtorch sums a product of one row in another order than one of twelve.
            Assert.InRange((mixed.select(1, row) - alone).abs().max().item<float>() / alone.abs().max().item<float>(), 0, 1e-5f);
        }
        Assert.True((mixed.select(1, 0) - mixed.select(1, 2)).abs().max().item<float>() > 0.1f);
    }

    /// <summary>[steps, rows, vocabulary]: what follows each step's last token.</summary>
    private static Tensor Logits(BaseModel model, Adapter?[] adapters, int[][] steps)
    {
        using var decoder = new Decoder(model.Config, model.Weights);
        using var pool = new BufferPool(CPU);
        using var cache = new KvCache(model.Config, adapters.Length, 16, ScalarType.Float32, CPU);
        var logits = new List<Tensor>();
        foreach (int[] step in steps)
        {
            var batch = new TokenBatch([.. adapters.Select(_ => step)], [.. Enumerable.Range(0, adapters.Length)]);
            var rows = adapters.Select((adapter, row) => (adapter, row)).Where(pair => pair.adapter is not null);
            var pass = new Pass(pool) { Adapters = [.. rows.Select(pair => new AdapterRows(pair.adapter!, pair.row * batch.Width, batch.Width))] };
            logits.Add(decoder.LastLogits(decoder.Forward(batch, pass, cache), batch, pass).clone());
            pool.ReturnAll();
        }
        return stack(logits);
    }
}
