using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Models;

/// <summary>The decoder run as the references were: logits of a right-padded batch, its mean loss, greedy continuations.</summary>
internal sealed class ReferenceRun(BaseModel model) : IDisposable
{
    private readonly Decoder _decoder = new(model.Config, model.Weights);
    private readonly BufferPool _pool = new(model.Weights.Device);

    /// <summary>Rows of a padded [rows, width] batch, without their padding.</summary>
    public static int[][] Rows(Tensor ids, Tensor mask)
    {
        long[] values = ids.to_type(ScalarType.Int64).data<long>().ToArray(), kept = mask.to_type(ScalarType.Int64).data<long>().ToArray();
        int width = (int)ids.shape[1];
        return [.. Enumerable.Range(0, (int)ids.shape[0]).Select(row =>
            Enumerable.Range(0, width).Where(i => kept[row * width + i] != 0).Select(i => (int)values[row * width + i]).ToArray())];
    }

    /// <summary>fp32 logits of every token that is not padding, [tokens, vocabulary], row after row.</summary>
    public Tensor Logits(int[][] rows, Engine.Lora.Adapter? adapter = null)
    {
        var batch = new TokenBatch(rows);
        Pass pass = PassOf(batch, adapter);
        Activation hidden = _decoder.Forward(batch, pass);
        long[] tokens = [.. Enumerable.Range(0, rows.Length).SelectMany(row => Enumerable.Range(0, rows[row].Length).Select(i => (long)row * batch.Width + i))];
        Tensor logits = _decoder.Logits(hidden, tokens, pass).to_type(ScalarType.Float32).clone();
        _pool.ReturnAll();
        return logits;
    }

    /// <summary>Mean loss of every next token of the batch.</summary>
    public double Loss(int[][] rows)
    {
        using var scope = NewDisposeScope();
        double sum = 0;
        foreach (int[] row in rows)
        {
            using Tensor logits = Logits([row]);
            using Tensor predicted = logits.narrow(0, 0, row.Length - 1).log_softmax(1);
            using Tensor next = tensor(row.Skip(1).Select(id => (long)id).ToArray()).unsqueeze(1);
            sum -= predicted.gather(1, next).sum(ScalarType.Float64).item<double>();
        }
        return sum / rows.Sum(row => row.Length - 1);
    }

    /// <summary>The most likely continuation with a key/value cache, end of text ignored.</summary>
    public int[] Greedy(int[] prompt, int count, Engine.Lora.Adapter? adapter = null)
    {
        using var scope = NewDisposeScope();
        using CachedSequence sequence = new KvCache(model.Config.CacheShape, model.Weights.Dtype, model.Weights.Device).Begin();
        var made = new List<int>();
        while (made.Count < count)
        {
            int[] all = [.. prompt, .. made];
            sequence.Expect(all.Length);
            var batch = new TokenBatch([all[sequence.Length..]], [sequence]);
            Pass pass = PassOf(batch, adapter);
            Tensor logits = _decoder.LastLogits(_decoder.Forward(batch, pass), batch, pass);
            batch.Advance();
            made.Add((int)logits.to_type(ScalarType.Float32).argmax(1).item<long>());
            _pool.ReturnAll();
        }
        return [.. made];
    }

    public void Dispose()
    {
        _decoder.Dispose();
        _pool.Dispose();
    }

    private Pass PassOf(TokenBatch batch, Engine.Lora.Adapter? adapter) =>
        new(_pool) { Adapters = adapter is null ? [] : [new AdapterRows(adapter, 0, batch.Ids.Length)] };
}
