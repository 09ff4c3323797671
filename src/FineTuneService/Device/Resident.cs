using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;

namespace FineTuneService.Device;

/// <summary>What is loaded, and who uses it. It is let go once nobody does, never before. On the device's thread only.</summary>
public abstract class Resident
{
    private readonly List<(string User, bool ForLong)> _users = [];

    /// <summary>Bytes of the memory budget that it holds.</summary>
    public virtual long Bytes { get; protected init; }

    /// <summary>Bytes of the budget that it holds beside those, while it is used: buffers.</summary>
    public virtual long Buffers => 0;

    public IEnumerable<string> Users => _users.Select(use => use.User);

    public bool InUse => _users.Count > 0;

    /// <summary>A job uses it: waiting for its end is no use.</summary>
    public bool ForLong => _users.Exists(use => use.ForLong);

    /// <summary>It stays when nobody uses it, too.</summary>
    internal bool IsPinned { get; set; }

    /// <summary>Who uses these, as an operator is told: "2 × an answer", "job ftjob-…", "pinned".</summary>
    internal static IReadOnlyList<string> Told(params IEnumerable<Resident> named) =>
    [
        .. named.SelectMany(resident => resident.Users).GroupBy(user => user).Select(users => users.Count() == 1 ? users.Key : $"{users.Count()} × {users.Key}"),
        .. named.Any(resident => resident.IsPinned) ? new[] { "pinned" } : [],
    ];

    /// <summary>Grows with each use of anything.</summary>
    internal long LastUse { get; private set; }

    internal void Enter(string user, bool forLong, long time)
    {
        _users.Add((user, forLong));
        LastUse = time;
    }

    internal void Exit(string user) => _users.RemoveAt(_users.FindIndex(use => use.User == user));

    /// <summary>Frees its tensors.</summary>
    internal abstract void Free();
}

/// <summary>A base, or a merged model, in one precision: its weights serve every adapter, and training runs against them.</summary>
public sealed class ResidentModel : Resident
{
    internal ResidentModel(BaseModel loaded, ModelText text, Generator generator, long bytes) => (Base, Text, Generator, Bytes) = (loaded, text, generator, bytes);

    public BaseModel Base { get; }
    public ModelText Text { get; }
    public Generator Generator { get; }
    public override long Buffers => Generator.BufferBytes;

    internal override void Free()
    {
        Generator.Dispose();
        Base.Dispose();
    }
}

/// <summary>A loaded adapter.</summary>
public sealed class ResidentAdapter : Resident
{
    internal ResidentAdapter(Adapter adapter, ResidentModel model, long bytes) => (Adapter, Model, Bytes) = (adapter, (model.Text.Folder, model.Base.Precision), bytes);

    public Adapter Adapter { get; }

    /// <summary>The base that it is on, which may go and be loaded again meanwhile.</summary>
    internal (string Folder, BasePrecision Precision) Model { get; }

    internal override void Free() => Adapter.Dispose();
}
