using System.Runtime.InteropServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Generation;

/// <summary>A row's part in a forward: its next tokens, prompt or drawn.</summary>
internal readonly record struct RowPart(GenerationRow Row, int Count);

/// <summary>Told of the logits [vocabulary] that follow a row's last token.</summary>
internal delegate void LogitsTaker(GenerationRow row, ReadOnlySpan<float> logits);

/// <summary>One forward of any rows of one base model, each through its own adapter.</summary>
/// <param name="memory">What its buffers are taken of; null: no limit.</param>
internal sealed class BatchForward(BaseModel model, MemoryShare? memory = null) : IDisposable
{
    private const int PromptLogits = 16;

    private readonly Decoder _decoder = new(model.Config, model.Weights);
    private readonly BufferPool _pool = new(model.Weights.Device, memory);

    /// <summary>Bytes that forwards have come to need beside weights and caches.</summary>
    public long BufferBytes => _pool.Bytes;

    /// <summary>Gives the buffers' memory back, between two forwards.</summary>
    public void Trim() => _pool.Trim();

    /// <summary>Rows whose prompt is not read to its end have no logits yet. Where it throws, no row has moved on.</summary>
    public void Run(IReadOnlyList<RowPart> parts, LogitsTaker take)
    {
        try
        {
            using var scope = NewDisposeScope();
            using var gradientFree = no_grad();
            // Rows of one adapter side by side: one low-rank product for all of them.
            RowPart[] ordered = [.. parts.GroupBy(part => part.Row.Adapter).SelectMany(group => group)];
            var batch = new TokenBatch([.. ordered.Select(part => part.Row.Next(part.Count))], [.. ordered.Select(part => part.Row.Sequence)]);
            var pass = new Pass(_pool) { Adapters = AdapterGroups(ordered, batch.Width) };
            Activation hidden = _decoder.Forward(batch, pass);
            int[] asked = [.. Enumerable.Range(0, ordered.Length).Where(i => ordered[i].Row.WantsPromptLogits)];
            int[] ready = [.. Enumerable.Range(0, ordered.Length).Where(i => ordered[i].Row.Unread <= ordered[i].Count)];
            int readers = Math.Min(1, ready.Length) + asked.Sum(i => (ordered[i].Count + PromptLogits - 1) / PromptLogits);
            for (int i = 1; i < readers; i++) hidden.AlsoRead();
            Tensor? logits = ready.Length == 0 ? null : _decoder.Logits(hidden, [.. ready.Select(batch.LastToken)], pass).to_type(ScalarType.Float32).cpu();
            foreach (int i in asked) ReadPrompt(ordered[i], hidden, batch.LastToken(i), pass);
            batch.Advance();
            if (logits is null) return;
            ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(logits.bytes);
            int vocabulary = (int)logits.shape[1];
            for (int i = 0; i < ready.Length; i++) take(ordered[ready[i]].Row, values.Slice(i * vocabulary, vocabulary));
        }
        finally
        {
            _pool.ReturnAll();
        }
    }

    /// <summary>The logits behind each token that a row reads, a few at a time: of a whole prompt they would be gigabytes.</summary>
    private void ReadPrompt(RowPart part, Activation hidden, long last, Pass pass)
    {
        for (int start = 0; start < part.Count; start += PromptLogits)
        {
            using var scope = NewDisposeScope();
            long[] places = [.. Enumerable.Range(start, Math.Min(PromptLogits, part.Count - start)).Select(i => last - (part.Count - 1 - i))];
            Tensor logits = _decoder.Logits(hidden, places, pass).to_type(ScalarType.Float32).cpu();
            ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(logits.bytes);
            int vocabulary = (int)logits.shape[1];
            for (int i = 0; i < places.Length; i++) part.Row.Read(part.Row.Sequence.Length + start + i, values.Slice(i * vocabulary, vocabulary));
        }
    }

    public void Dispose()
    {
        _decoder.Dispose();
        _pool.Dispose();
    }

    private static List<AdapterRows> AdapterGroups(RowPart[] rows, int width)
    {
        var groups = new List<AdapterRows>();
        for (int start = 0; start < rows.Length;)
        {
            Adapter? adapter = rows[start].Row.Adapter;
            int end = start;
            while (end < rows.Length && ReferenceEquals(rows[end].Row.Adapter, adapter)) end++;
            if (adapter is not null) groups.Add(new AdapterRows(adapter, start * width, (end - start) * width));
            start = end;
        }
        return groups;
    }
}
