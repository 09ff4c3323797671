using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Models.Operations;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Generation;

/// <summary>
/// Continuous batching on one base model: requests join and leave between steps, and each row of the batch may use another
/// adapter. The base product is shared by all rows; the low-rank products are grouped by adapter. One thread calls it.
/// </summary>
public sealed class Generator : IDisposable
{
    private readonly BaseModel _model;
    private readonly Decoder _decoder;
    private readonly BufferPool _pool;
    private readonly KvCache _cache;
    private readonly Queue<GenerationRequest> _waiting = [];
    private readonly List<GenerationRow> _active = [];
    private readonly Stack<int> _freeSlots;

    /// <param name="model">Shared and frozen.</param>
    /// <param name="maxRows">Answers that are made at once; more wait.</param>
    /// <param name="capacity">Tokens of the longest sequence, prompt and answer; at most what the model was made for.</param>
    public Generator(BaseModel model, int maxRows, int capacity)
    {
        Capacity = Math.Min(capacity, model.Config.MaxPositions);
        _model = model;
        Device device = model.Weights.EmbedTokens.device;
        _decoder = new Decoder(model.Config, model.Weights);
        _pool = new BufferPool(device);
        _cache = new KvCache(model.Config, maxRows, Capacity, model.Weights.EmbedTokens.dtype, device);
        _freeSlots = new Stack<int>(Enumerable.Range(0, maxRows).Reverse());
    }

    /// <summary>Tokens of the longest sequence, prompt and answer together.</summary>
    public int Capacity { get; }

    /// <exception cref="ArgumentException">The prompt is empty, or leaves no room for an answer.</exception>
    public void Add(GenerationRequest request)
    {
        if (request.Prompt.Count == 0) throw new ArgumentException("the prompt has no tokens");
        if (request.Prompt.Count >= Capacity) throw new ArgumentException($"the prompt has {request.Prompt.Count} tokens; the model takes {Capacity - 1}");
        _waiting.Enqueue(request);
    }

    /// <summary>Ends a request where it is; it is told <see cref="FinishReason.Cancelled"/>, unless it has ended already.</summary>
    public void Cancel(GenerationRequest request)
    {
        if (_active.Find(row => row.Request == request) is { } active)
        {
            Finish(active, FinishReason.Cancelled);
        }
        else if (_waiting.Contains(request))
        {
            GenerationRequest[] others = [.. _waiting.Where(other => other != request)];
            _waiting.Clear();
            foreach (GenerationRequest other in others) _waiting.Enqueue(other);
            request.OnFinished(FinishReason.Cancelled);
        }
    }

    /// <summary>Reads the prompts of requests that now have a place, or else draws one token for every row.</summary>
    /// <returns>False where there was nothing to do.</returns>
    public bool Step()
    {
        List<GenerationRow> admitted = Admit();
        if (admitted.Count > 0) Forward(admitted);
        else if (_active.Count > 0) Forward([.. _active]);
        else return false;
        return true;
    }

    public void Dispose()
    {
        foreach (GenerationRow row in _active.ToArray()) Finish(row, FinishReason.Cancelled);
        while (_waiting.TryDequeue(out GenerationRequest? request)) request.OnFinished(FinishReason.Cancelled);
        _decoder.Dispose();
        _cache.Dispose();
        _pool.Dispose();
    }

    private List<GenerationRow> Admit()
    {
        var admitted = new List<GenerationRow>();
        while (_freeSlots.Count > 0 && _waiting.TryDequeue(out GenerationRequest? request))
        {
            var row = new GenerationRow(request, _freeSlots.Pop(), _model, Capacity);
            _cache.Clear(row.Slot);
            request.OnStarted?.Invoke();
            admitted.Add(row);
            _active.Add(row);
        }
        return admitted;
    }

    private void Forward(List<GenerationRow> rows)
    {
        using var scope = NewDisposeScope();
        using var gradientFree = no_grad();
        // Rows of one adapter side by side: one low-rank product for all of them.
        GenerationRow[] ordered = [.. rows.GroupBy(row => row.Adapter).SelectMany(group => group)];
        var batch = new TokenBatch([.. ordered.Select(row => row.Next)], [.. ordered.Select(row => row.Slot)]);
        var pass = new Pass(_pool) { Adapters = AdapterGroups(ordered, batch.Width) };
        Tensor logits = _decoder.LastLogits(_decoder.Forward(batch, pass, _cache), batch, pass).to_type(ScalarType.Float32).cpu();
        ReadOnlySpan<float> values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(logits.bytes);
        int vocabulary = (int)logits.shape[1];
        for (int i = 0; i < ordered.Length; i++)
        {
            if (ordered[i].Draw(values.Slice(i * vocabulary, vocabulary)) is { } reason) Finish(ordered[i], reason);
        }
        _pool.ReturnAll();
    }

    private static List<AdapterRows> AdapterGroups(GenerationRow[] rows, int width)
    {
        var groups = new List<AdapterRows>();
        for (int start = 0; start < rows.Length;)
        {
            Adapter? adapter = rows[start].Adapter;
            int end = start;
            while (end < rows.Length && ReferenceEquals(rows[end].Adapter, adapter)) end++;
            if (adapter is not null) groups.Add(new AdapterRows(adapter, start * width, (end - start) * width));
            start = end;
        }
        return groups;
    }

    private void Finish(GenerationRow row, FinishReason reason)
    {
        _active.Remove(row);
        _freeSlots.Push(row.Slot);
        row.Request.OnFinished(reason);
    }
}
