using System.Collections.Concurrent;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;

namespace FineTuneService.Device;

/// <summary>
/// What is loaded, within the memory budget, and what goes to make room: of what nobody uses and nobody has pinned, what was used longest ago. What
/// is deleted while it is in use goes with its last user. On the device's thread only, but for what says otherwise.
/// </summary>
internal sealed class ResidentSet
{
    private readonly Dictionary<(string Folder, BasePrecision Precision), ResidentModel> _models = [];

    /// <summary>Read from any thread.</summary>
    private readonly ConcurrentDictionary<string, ResidentAdapter> _adapters = new();
    private readonly HashSet<string> _pinned = [];

    /// <summary>Jobs' own.</summary>
    private readonly List<ModelCopy> _copies = [];

    /// <summary>Of jobs under way; replaced whole, as other threads read it.</summary>
    private volatile JobMemory[] _training = [];

    /// <summary>Deleted while they were in use.</summary>
    private readonly List<Resident> _leaving = [];
    private readonly DeviceLease _lease;
    private long _uses, _modelBytes, _adapterBytes;
    private bool _sweeps;

    /// <param name="limit">Bytes of the budget.</param>
    public ResidentSet(DeviceLease lease, long limit) => (_lease, Budget) = (lease, new MemoryBudget(limit) { WhenShort = FreeUnused });

    public MemoryBudget Budget { get; }

    /// <summary>Called once something is no longer in use.</summary>
    public Action? RoomCame { get; set; }

    public int Models => _models.Count;

    public int Adapters => _adapters.Count;

    /// <summary>Where the tensors lie, as torch names it.</summary>
    public string Device => _models.Values.FirstOrDefault()?.Base.Device ?? BaseModel.DefaultDevice;

    /// <summary>Bytes that a job can come to have, once everything that only answers use is let go.</summary>
    public long ForJobs => Budget.Limit - All().Where(resident => resident.ForLong || resident.IsPinned).Sum(resident => resident.Bytes);

    /// <summary>Bytes of models' weights, of adapters, and of what training holds, from any thread: as they were a moment ago.</summary>
    public (long Models, long Adapters, long Training) BytesByKind => (Interlocked.Read(ref _modelBytes), Interlocked.Read(ref _adapterBytes), _training.Sum(memory => memory.Bytes));

    /// <summary>Whether what is pinned leaves less than half of the memory to others: one base with its adapters may, several may not.</summary>
    public bool PinsTooMuch => _models.Values.Count(model => model.IsPinned) > 1 && All().Where(resident => resident.IsPinned).Sum(resident => resident.Bytes) > Budget.Limit / 2;

    public ResidentModel? Model(AskedModel asked) => _models.GetValueOrDefault((asked.Text.Folder, asked.Precision));

    /// <summary>From any thread.</summary>
    public ResidentAdapter? Adapter(string id) => _adapters.GetValueOrDefault(id);

    public ResidentModel Add(AskedModel asked, ResidentModel model)
    {
        Interlocked.Add(ref _modelBytes, model.Bytes);
        _models[(asked.Text.Folder, asked.Precision)] = model;
        PinBases();
        return model;
    }

    public ResidentAdapter Add(string id, ResidentAdapter adapter)
    {
        Interlocked.Add(ref _adapterBytes, adapter.Bytes);
        adapter.IsPinned = _pinned.Contains(id);
        _adapters[id] = adapter;
        PinBases();
        return adapter;
    }

    public void Add(ModelCopy copy, string user)
    {
        copy.Enter(user, forLong: true, ++_uses);
        _copies.Add(copy);
        Interlocked.Add(ref _modelBytes, copy.Bytes);
    }

    public void Add(JobMemory memory, string user)
    {
        memory.Enter(user, forLong: true, ++_uses);
        _training = [.. _training, memory];
    }

    /// <summary>A job has ended.</summary>
    public void Remove(ModelCopy copy)
    {
        _copies.Remove(copy);
        copy.Free();
        Interlocked.Add(ref _modelBytes, -copy.Bytes);
        Budget.Give(copy.Bytes);
        Sweep();
    }

    /// <inheritdoc cref="Remove(ModelCopy)"/>
    public void Remove(JobMemory memory)
    {
        _training = [.. _training.Where(other => other != memory)];
        memory.Free();
        Sweep();
    }

    public void Enter(Resident resident, string user, bool forLong) => resident.Enter(user, forLong, ++_uses);

    public void Exit(Resident resident, string user)
    {
        resident.Exit(user);
        if (resident.InUse || _sweeps) return;
        // Not here: this may be called by a step of the very model that is to go.
        _sweeps = true;
        _ = _lease.Serve("let go", () =>
        {
            _sweeps = false;
            Sweep();
            return true;
        });
    }

    /// <summary>Whether an adapter, and the base that it is on, stay once they are loaded, however long nobody uses them.</summary>
    public void Pin(string id, bool stays)
    {
        if (stays) _pinned.Add(id);
        else _pinned.Remove(id);
        if (Adapter(id) is { } adapter) adapter.IsPinned = stays;
        PinBases();
        if (!stays) Sweep();
    }

    /// <summary>Lets go of a deleted adapter, or of a deleted model by its folder.</summary>
    public void Forget(string adapterIdOrFolder)
    {
        _pinned.Remove(adapterIdOrFolder);
        if (_adapters.Remove(adapterIdOrFolder, out ResidentAdapter? adapter)) _leaving.Add(adapter);
        foreach ((string Folder, BasePrecision Precision) key in _models.Keys.Where(key => key.Folder == adapterIdOrFolder).ToArray())
        {
            _models.Remove(key, out ResidentModel? model);
            _leaving.Add(model!);
        }
        PinBases();
        Sweep();
    }

    /// <summary>Lets go of the adapters that were used longest ago, until there is a place for one more.</summary>
    /// <returns>Whether there is.</returns>
    public bool MakePlace(int most)
    {
        while (_adapters.Count >= most)
        {
            if (Unused(_adapters.Values) is not { } unused) return false;
            Free(unused);
        }
        return true;
    }

    public NoRoom NoRoomFor(long bytes, string what)
    {
        long held = Budget.Limit - ForJobs;
        if (bytes <= ForJobs) return new NoRoom(NoRoomKind.Memory, "The device's memory (FineTune:DeviceMemory) is in use; try again in a moment.");
        string beside = held > 0 ? $" beside the {held >> 20} MiB that a running job or pinned adapters use" : "";
        return new NoRoom(NoRoomKind.Never, $"{what} needs {(bytes >> 20) + 1} MiB, and FineTune:DeviceMemory gives {Budget.Limit >> 20} MiB{beside}.");
    }

    public IReadOnlyList<MemoryHolder> Holders() =>
    [
        .. _models.Select(model => new MemoryHolder("model", model.Key.Folder, model.Value.Bytes + model.Value.Buffers, Resident.Told(model.Value))),
        .. _adapters.Select(adapter => new MemoryHolder("adapter", adapter.Key, adapter.Value.Bytes, Resident.Told(adapter.Value))),
        .. _training.Select(memory => new MemoryHolder("training", memory.Users.First(), memory.Bytes, Resident.Told(memory))),
        .. _copies.Select(copy => new MemoryHolder("model", "a job's own copy", copy.Bytes, Resident.Told(copy))),
        .. _leaving.Select(leaving => new MemoryHolder(leaving is ResidentModel ? "model" : "adapter", "deleted", leaving.Bytes, Resident.Told(leaving))),
    ];

    public IReadOnlyList<string> UsersOf(string adapterIdOrFolder) =>
        Resident.Told([.. _models.Where(model => model.Key.Folder == adapterIdOrFolder).Select(model => model.Value), .. Adapter(adapterIdOrFolder) is { } adapter ? new[] { adapter } : []]);

    public void FreeAll()
    {
        foreach (Resident resident in (Resident[])[.. _models.Values, .. _adapters.Values, .. _leaving]) Free(resident);
    }

    private IEnumerable<Resident> All() => [.. _models.Values, .. _adapters.Values, .. _copies, .. _training];

    private static bool MayGo(Resident resident) => !resident.InUse && !resident.IsPinned;

    private static Resident? Unused(IEnumerable<Resident> residents) => residents.Where(MayGo).MinBy(resident => resident.LastUse);

    /// <summary>A pinned adapter without its base would answer no sooner than one on the disk.</summary>
    private void PinBases()
    {
        HashSet<(string, BasePrecision)> pinned = [.. _adapters.Values.Where(adapter => adapter.IsPinned).Select(adapter => adapter.Model)];
        foreach (((string, BasePrecision) key, ResidentModel model) in _models) model.IsPinned = pinned.Contains(key);
    }

    private void FreeUnused(long bytes)
    {
        long enough = Budget.Taken - bytes;
        // Buffers first: they are made again in no time.
        foreach (ResidentModel model in _models.Values) model.Generator.TrimIdle();
        // Nothing goes for a request that must wait all the same.
        if (All().Where(MayGo).Sum(resident => resident.Bytes) < Budget.Taken - enough) return;
        while (Budget.Taken > enough && Unused(All()) is { } unused) Free(unused);
    }

    private void Free(Resident resident)
    {
        foreach (string id in _adapters.Where(entry => entry.Value == resident).Select(entry => entry.Key).ToArray()) _adapters.Remove(id, out _);
        foreach (var key in _models.Where(entry => entry.Value == resident).Select(entry => entry.Key).ToArray()) _models.Remove(key);
        _leaving.Remove(resident);
        PinBases();
        if (resident is ResidentModel model) _lease.RemoveStepper(model.Generator.Step);
        else Telemetry.AdapterEvictions.Add(1);
        Interlocked.Add(ref resident is ResidentModel ? ref _modelBytes : ref _adapterBytes, -resident.Bytes);
        resident.Free();
        Budget.Give(resident.Bytes);
    }

    private void Sweep()
    {
        foreach (Resident resident in _leaving.Where(resident => !resident.InUse).ToArray()) Free(resident);
        RoomCame?.Invoke();
    }
}
