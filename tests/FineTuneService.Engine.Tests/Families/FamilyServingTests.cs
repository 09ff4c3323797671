using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Tests.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Families;

/// <summary>Every family served: cached, in company, with adapters, prompts in pieces.</summary>
public sealed class FamilyServingTests
{
    private const int Decoded = 10;

    public static TheoryData<string, ComputeDtype> Cases => new MatrixTheoryData<string, ComputeDtype>(GoldenModel.Names, [ComputeDtype.Fp32, ComputeDtype.Bf16]);

    /// <summary>
    /// Rows of two lengths through an adapter, another one and the base alone, each token's logits behind a cache. A row gets the same beside the
    /// others, its prompt in pieces, as alone and whole; and as a forward of the whole sequence gives it.
    /// </summary>
    [Theory, MemberData(nameof(Cases))]
    public void Forward_CachedRowsOfAnyAdapters_EqualEachRowAlone(string name, ComputeDtype dtype)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = GoldenModel.Load(name, new BasePrecision(dtype));
        using Adapter a = GoldenModel.Adapter(model, 6), b = GoldenModel.Adapter(model, 60);
        int[][] rows = GoldenModel.Rows(name);
        (int[] Ids, Adapter? Adapter)[] served = [(rows[0], a), (rows[^1], b), (rows[^1], null), (rows[0][3..], b)];
        Tensor[] together = Serve(model, served, promptTokens: 5);
        using var run = new ReferenceRun(model);
        // bf16 rounds a product of one row elsewhere than one of four.
        double most = dtype == ComputeDtype.Fp32 ? 1e-4 : 0.1;
        for (int i = 0; i < served.Length; i++)
        {
            Tensor alone = Serve(model, [served[i]], promptTokens: 64)[0];
            Close(alone, together[i], most, $"row {i} in company");
            // Keys that were cached by other frequencies stay so, in transformers too.
            if (model.Config.RopeScaling is DynamicRopeScaling) continue;
            Close(run.Logits([served[i].Ids], served[i].Adapter)[^1], alone[^1], most, $"row {i} without a cache");
        }
    }

    /// <summary>Logits behind the prompt's end and behind each token decoded after it, [1 + Decoded, vocabulary] of each row.</summary>
    /// <param name="promptTokens">Of a piece of a prompt.</param>
    private static Tensor[] Serve(BaseModel model, (int[] Ids, Adapter? Adapter)[] rows, int promptTokens)
    {
        using var decoder = new Decoder(model.Config, model.Weights);
        using var pool = new BufferPool(CPU);
        var cache = new KvCache(model.Config.CacheShape, model.Weights.EmbedTokens.dtype, CPU);
        int[] known = [.. rows.Select(row => row.Ids.Length - Decoded)];
        CachedSequence[] sequences = [.. known.Select(tokens => cache.Begin(tokens))];
        List<Tensor>[] logits = [.. rows.Select(_ => new List<Tensor>())];
        while (true)
        {
            int[] going = [.. Enumerable.Range(0, rows.Length).Where(row => logits[row].Count <= Decoded)];
            if (going.Length == 0) break;
            int[] counts = [.. going.Select(row => Math.Min(promptTokens, known[row] - sequences[row].Length))];
            var batch = new TokenBatch(
                [.. going.Zip(counts, (row, count) => rows[row].Ids[sequences[row].Length..(sequences[row].Length + count)])], [.. going.Select(row => sequences[row])]);
            var adapters = going.Index().Where(entry => rows[entry.Item].Adapter is not null).Select(entry => new AdapterRows(rows[entry.Item].Adapter!, entry.Index * batch.Width, batch.Width));
            var pass = new Pass(pool) { Adapters = [.. adapters] };
            Tensor last = decoder.LastLogits(decoder.Forward(batch, pass), batch, pass).to_type(ScalarType.Float32);
            batch.Advance();
            foreach ((int i, int row) in going.Index())
            {
                if (sequences[row].Length < known[row]) continue;
                logits[row].Add(last[i].clone());
                if (logits[row].Count <= Decoded) sequences[row].Expect(++known[row]);
            }
            pool.ReturnAll();
        }
        foreach (CachedSequence sequence in sequences) sequence.Dispose();
        return [.. logits.Select(row => stack(row))];
    }

    private static void Close(Tensor wanted, Tensor made, double most, string what)
    {
        double difference = ((made - wanted).norm() / wanted.norm()).item<float>();
        Assert.True(difference <= most, $"{what}: logits differ by {difference:E2}, at most {most}");
    }
}
