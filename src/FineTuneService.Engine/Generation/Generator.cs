using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Generation;

/// <summary>
/// Continuous batching on one base model: requests join and leave between steps, and each row of the batch may use another
/// adapter. The base product is shared by all rows; the low-rank products are grouped by adapter. What goes wrong in a row ends that
/// row, and no other. One thread calls it.
/// </summary>
public sealed class Generator : IDisposable
{
    /// <summary>Multiplications of a forward that reads prompts: some 0.1 s of two CPU cores. Others decode in between.</summary>
    private const long PromptWork = 1L << 33;
    private const int FewestPromptTokens = 64, MostPromptTokens = 512;

    private readonly BaseModel _model;
    private readonly int _maxRows;
    private readonly BatchForward _forward;
    private readonly ForwardOrder _order;
    private readonly KvCache _cache;
    private readonly CacheRoom _room;
    private readonly TurnQueue<GenerationRequest> _waiting = new();
    private readonly List<GenerationRow> _active = [];

    /// <param name="model">Shared and frozen.</param>
    /// <param name="maxRows">Answers that are decoded together; more wait, but an owner that has none under way need not.</param>
    /// <param name="capacity">Tokens of the longest sequence, prompt and answer; at most what the model was made for.</param>
    /// <param name="budget">What keys and values are taken of, and the buffers of forwards, which are never refused. It holds <see cref="CacheBytes"/> for one sequence already.</param>
    public Generator(BaseModel model, int maxRows, int capacity, MemoryBudget? budget = null)
        : this(model, maxRows, capacity, budget, PromptTokens(model.Config))
    {
    }

    internal Generator(BaseModel model, int maxRows, int capacity, MemoryBudget? budget, int promptTokens)
    {
        Capacity = Math.Min(capacity, model.Config.MaxPositions);
        (_model, _maxRows) = (model, maxRows);
        _forward = new BatchForward(model, budget is null ? null : new MemoryShare(budget) { MayExceed = true });
        _order = new ForwardOrder(maxRows, promptTokens);
        _cache = new KvCache(model.Config.CacheShape, model.Weights.Dtype, model.Weights.Device);
        _room = new CacheRoom(budget, _cache.Bytes(Capacity));
    }

    /// <summary>Tokens of the longest sequence, prompt and answer together.</summary>
    public int Capacity { get; }

    /// <summary>Bytes of the buffers that forwards write into.</summary>
    public long BufferBytes => _forward.BufferBytes;

    /// <summary>Gives the buffers' memory back where no answer is under way.</summary>
    public void TrimIdle()
    {
        if (_active.Count == 0) _forward.Trim();
    }

    /// <summary>Told of exceptions that ended a row, for a log.</summary>
    public Action<Exception>? OnFailure { get; init; }

    /// <summary>Bytes that the keys and values of a sequence come to take.</summary>
    /// <param name="tokens">Of the sequence; no more than the model was made for are counted.</param>
    public static long CacheBytes(ModelConfig config, BasePrecision precision, int tokens) =>
        KvCache.Bytes(config.CacheShape, precision.Compute, Math.Min(tokens, config.MaxPositions));

    /// <exception cref="ArgumentException">The prompt is empty, or leaves no room for an answer.</exception>
    public void Add(GenerationRequest request)
    {
        if (request.Prompt.Count == 0) throw new ArgumentException("the prompt has no tokens");
        if (request.Prompt.Count >= Capacity) throw new ArgumentException($"the prompt has {request.Prompt.Count} tokens; the model takes {Capacity - 1}");
        _waiting.Enqueue(request.Turn, request);
    }

    /// <summary>Ends a request where it is; it is told <see cref="FinishReason.Cancelled"/>, unless it has ended already.</summary>
    public void Cancel(GenerationRequest request)
    {
        if (_active.Find(row => row.Request == request) is { } active) Finish(active, FinishReason.Cancelled);
        else if (_waiting.Remove(request.Turn, request)) Guarded(() => request.OnFinished(FinishReason.Cancelled));
    }

    /// <summary>One forward: reads the next of some prompts, or draws one token for every row.</summary>
    /// <returns>False where there was nothing to do.</returns>
    public bool Step()
    {
        Admit();
        List<RowPart> parts = _order.Next(_active);
        if (parts.Count == 0) return false;
        Forward(parts);
        return true;
    }

    public void Dispose()
    {
        while (_waiting.TryDequeue(out GenerationRequest? request)) Guarded(() => request.OnFinished(FinishReason.Cancelled));
        foreach (GenerationRow row in _active.ToArray()) Finish(row, FinishReason.Cancelled);
        _forward.Dispose();
    }

    private static int PromptTokens(ModelConfig config) =>
        (int)Math.Clamp(PromptWork / config.ParameterCount / KvCache.BlockTokens * KvCache.BlockTokens, FewestPromptTokens, MostPromptTokens);

    private void Admit()
    {
        bool full = false;
        while (_waiting.TryDequeue(MayJoin, out GenerationRequest? request))
        {
            var row = new GenerationRow(request, _cache.Begin(request.Prompt.Count), Room(request), _model, Capacity);
            _active.Add(row);
            if (request.OnStarted is { } started && !Guarded(started)) Finish(row, FinishReason.Failed);
        }

        bool MayJoin(GenerationRequest request)
        {
            if (full || (_active.Count >= _maxRows && _active.Exists(row => row.Request.Turn == request.Turn))) return false;
            // Where memory is short nobody overtakes: a long request would wait for as long as short ones come.
            full = !_room.TryTake(Room(request));
            return !full;
        }
    }

    private long Room(GenerationRequest request) => _cache.Bytes((int)Math.Min(Capacity, (long)request.Prompt.Count + request.Parameters.MaxTokens));

    private void Forward(IReadOnlyList<RowPart> parts)
    {
        try
        {
            _forward.Run(parts, Draw);
        }
        catch (Exception failure)
        {
            // Whose fault it was shows when each goes alone.
            if (parts.Count > 1)
            {
                foreach (RowPart part in parts) Forward([part]);
                return;
            }
            OnFailure?.Invoke(failure);
            Finish(parts[0].Row, FinishReason.Failed);
        }
    }

    private void Draw(GenerationRow row, ReadOnlySpan<float> logits)
    {
        FinishReason? reason;
        try
        {
            reason = row.Draw(logits);
        }
        catch (Exception failure)
        {
            OnFailure?.Invoke(failure);
            reason = FinishReason.Failed;
        }
        _order.Drew(row);
        if (reason is { } ended) Finish(row, ended);
    }

    private void Finish(GenerationRow row, FinishReason reason)
    {
        if (!_active.Remove(row)) return;
        row.Sequence.Dispose();
        _room.Give(row.Room);
        Guarded(() => row.Request.OnFinished(reason));
    }

    private bool Guarded(Action tell)
    {
        try
        {
            tell();
            return true;
        }
        catch (Exception failure)
        {
            OnFailure?.Invoke(failure);
            return false;
        }
    }
}
