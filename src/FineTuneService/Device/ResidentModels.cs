using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Device;

/// <summary>
/// What is loaded: bases and merged models by folder and precision, and adapters by id, within the device's memory budget. What is in
/// use stays; of the rest, what was used longest ago makes room. Everything but <see cref="UsersOf"/> is called on the device's thread.
/// </summary>
public sealed class ResidentModels : IDisposable
{
    // Longer contexts cost cache memory that most requests never use.
    private const int LongestSequence = 4096;
    private static readonly TimeSpan LongestClosing = TimeSpan.FromSeconds(5);

    private readonly Dictionary<(string Folder, BasePrecision Precision), ResidentModel> _models = [];
    private readonly Dictionary<string, ResidentAdapter> _adapters = [];

    /// <summary>Jobs' own.</summary>
    private readonly List<ModelCopy> _copies = [];

    /// <summary>Of jobs under way; replaced whole, as other threads read it.</summary>
    private volatile JobMemory[] _training = [];

    /// <summary>Deleted while they were in use.</summary>
    private readonly List<Resident> _leaving = [];
    private readonly DeviceLease _lease;
    private readonly ModelTexts _texts;
    private readonly FineTuneOptions _options;
    private readonly ILogger<ResidentModels> _log;
    private readonly MemoryBudget _budget;
    private long _uses, _modelBytes, _adapterBytes;
    private bool _sweeps;

    public ResidentModels(DeviceLease lease, ModelTexts texts, IOptions<FineTuneOptions> options, ILogger<ResidentModels> log)
    {
        (_lease, _texts, _options, _log) = (lease, texts, options.Value, log);
        _budget = new MemoryBudget(_options.DeviceBytes) { WhenShort = FreeUnused };
    }

    /// <summary>Bytes that are held.</summary>
    public long Bytes => _budget.Taken;

    /// <summary>Loaded adapters.</summary>
    public int Adapters => _adapters.Count;

    /// <summary>Loaded models.</summary>
    public int Models => _models.Count;

    /// <summary>Called once something is no longer in use.</summary>
    internal Action? RoomCame { get; set; }

    /// <summary>Tokens of the longest sequence, prompt and answer together.</summary>
    public static int Capacity(ModelConfig config) => Math.Min(LongestSequence, config.MaxPositions);

    /// <summary>The model and its adapter, loaded now where they are not yet; or why there is no room for them.</summary>
    /// <param name="user">Who, as an operator would say it: an answer, a job by its id.</param>
    /// <param name="forLong">A job, which others need not wait for.</param>
    /// <exception cref="ModelException">The folder is no longer a model that can be loaded.</exception>
    /// <exception cref="AdapterException">The folder is no longer an adapter of this base.</exception>
    /// <exception cref="TensorFileException">A weights file cannot be used.</exception>
    internal (ModelUse?, NoRoom?) TryUse(AskedModel asked, string user, bool forLong = false)
    {
        (ResidentModel? model, NoRoom? none) = _models.TryGetValue((asked.Text.Folder, asked.Precision), out ResidentModel? loaded) ? (loaded, null) : Load(asked);
        if (model is null) return (null, none);
        model.Enter(user, forLong, ++_uses); // In use before anything looks for what is not.
        ResidentAdapter? adapter = null;
        try
        {
            if (asked.AdapterId is { } id)
                (adapter, none) = _adapters.TryGetValue(id, out ResidentAdapter? held) ? (held, null) : LoadAdapter(id, asked.AdapterFolder!, model);
        }
        catch
        {
            model.Exit(user);
            throw;
        }
        if (none is not null)
        {
            model.Exit(user); // No room has come by that, so nobody who waits need try again.
            return (null, none);
        }
        adapter?.Enter(user, forLong, _uses);
        return (new ModelUse(model, adapter, () =>
        {
            if (adapter is not null) Exit(adapter, user);
            Exit(model, user);
        }), null);
    }

    /// <summary>A job's base. While answers hold the memory, they go on until there is room.</summary>
    /// <param name="stop">Whether the job is to end.</param>
    /// <returns>Null where it was to end before there was room.</returns>
    /// <exception cref="MemoryExceededException">There will be no room.</exception>
    /// <exception cref="ModelException">The folder is no longer a model.</exception>
    public ModelUse? UseForJob(string folder, BasePrecision precision, string user, Func<bool> stop)
    {
        var asked = new AskedModel(_texts.Of(folder), precision);
        while (!stop())
        {
            (ModelUse? use, NoRoom? none) = TryUse(asked, user, forLong: true);
            if (use is not null) return use;
            if (none!.Kind == NoRoomKind.Never) throw new MemoryExceededException(none.Message.TrimEnd('.'), 0);
            _lease.Offer();
            Thread.Sleep(1); // An offer may come too soon after the last.
        }
        return null;
    }

    /// <summary>Memory for what a job holds beside its base, set aside before it trains. While answers hold it, they go on until there is room.</summary>
    /// <param name="bytes">What the job may come to need.</param>
    /// <inheritdoc cref="UseForJob"/>
    public JobMemory? MemoryForJob(long bytes, string user, Func<bool> stop)
    {
        var share = new MemoryShare(_budget);
        while (!stop())
        {
            if (share.TrySetAside(bytes)) return Memory(share, user);
            if (NoRoomFor(bytes, "Training") is { Kind: NoRoomKind.Never } none) throw new MemoryExceededException(none.Message.TrimEnd('.'), bytes);
            _lease.Offer();
            Thread.Sleep(1);
        }
        return null;
    }

    /// <summary>Bytes that a job can come to have, once everything that only answers use is let go.</summary>
    public long ForJobs => _options.DeviceBytes - All().Where(resident => resident.ForLong).Sum(resident => resident.Bytes);

    /// <summary>Bytes of models' weights, of adapters, and of what training holds, from any thread: as they were a moment ago.</summary>
    public (long Models, long Adapters, long Training) BytesByKind =>
        (Interlocked.Read(ref _modelBytes), Interlocked.Read(ref _adapterBytes), _training.Sum(memory => memory.Bytes));

    /// <summary>What holds memory, and who uses it now. From any thread.</summary>
    public Task<IReadOnlyList<MemoryHolder>> Holders() => _lease.Serve("memory", () => (IReadOnlyList<MemoryHolder>)
    [
        .. _models.Select(model => new MemoryHolder("model", model.Key.Folder, model.Value.Bytes, Told(model.Value))),
        .. _adapters.Select(adapter => new MemoryHolder("adapter", adapter.Key, adapter.Value.Bytes, Told(adapter.Value))),
        .. _training.Select(memory => new MemoryHolder("training", memory.Users.First(), memory.Bytes, Told(memory))),
        .. _copies.Select(copy => new MemoryHolder("model", "a job's own copy", copy.Bytes, Told(copy))),
        .. _leaving.Select(leaving => new MemoryHolder(leaving is ResidentModel ? "model" : "adapter", "deleted", leaving.Bytes, Told(leaving))),
    ]);

    /// <summary>A copy of a base that a job may change. While answers hold the memory, they go on until there is room.</summary>
    /// <returns>Null where the job was to end before there was room.</returns>
    /// <inheritdoc cref="UseForJob"/>
    public ModelCopy? CopyForJob(string folder, BasePrecision precision, string user, Func<bool> stop)
    {
        ModelText text = _texts.Of(folder);
        long bytes = precision.BytesOf(text.Config, folder);
        while (!stop())
        {
            if (_budget.TryTake(bytes)) return Copy(text, precision, bytes, user);
            if (NoRoomFor(bytes, "Full training of the model") is { Kind: NoRoomKind.Never } none) throw new MemoryExceededException(none.Message.TrimEnd('.'), bytes);
            _lease.Offer();
            Thread.Sleep(1);
        }
        return null;
    }

    /// <summary>Who uses an adapter (by its id) or a model (by its folder) now: "2 answers", "job ftjob-…". From any thread.</summary>
    public Task<IReadOnlyList<string>> UsersOf(string adapterIdOrFolder) => _lease.Serve("uses", () =>
    {
        IEnumerable<Resident> named = [.. _models.Where(model => model.Key.Folder == adapterIdOrFolder).Select(model => model.Value),
            .. _adapters.Where(adapter => adapter.Key == adapterIdOrFolder).Select(adapter => adapter.Value)];
        return Told([.. named]);
    });

    private static IReadOnlyList<string> Told(params IEnumerable<Resident> named) => [.. named.SelectMany(resident => resident.Users).GroupBy(user => user)
        .Select(users => users.Count() == 1 ? users.Key : $"{users.Count()} × {users.Key}")];

    /// <summary>Lets go of what a deleted adapter or merged model held. Those who use it keep it until they end.</summary>
    public void Forget(string adapterIdOrFolder)
    {
        _texts.Forget(adapterIdOrFolder);
        if (_adapters.Remove(adapterIdOrFolder, out ResidentAdapter? adapter)) _leaving.Add(adapter);
        foreach ((string Folder, BasePrecision Precision) key in _models.Keys.Where(key => key.Folder == adapterIdOrFolder).ToArray())
        {
            _models.Remove(key, out ResidentModel? model);
            _leaving.Add(model!);
        }
        Sweep();
    }

    /// <summary>Answers that are still under way are cut, and told so.</summary>
    public void Dispose()
    {
        try
        {
            _lease.Serve("close", () =>
            {
                foreach (Resident resident in (Resident[])[.. _models.Values, .. _adapters.Values, .. _leaving]) Free(resident);
                return true;
            }).Wait(LongestClosing);
        }
        catch (AggregateException)
        {
            // The device closed first; the process's end frees everything.
        }
    }

    private ModelCopy Copy(ModelText text, BasePrecision precision, long bytes, string user)
    {
        try
        {
            var copy = new ModelCopy(BaseModel.Load(text, precision, _lease.Breathe), bytes, ended =>
            {
                _copies.Remove(ended);
                ended.Free();
                Interlocked.Add(ref _modelBytes, -bytes);
                _budget.Give(bytes);
                Sweep();
            });
            copy.Enter(user, forLong: true, ++_uses);
            _copies.Add(copy);
            Interlocked.Add(ref _modelBytes, bytes);
            return copy;
        }
        catch
        {
            _budget.Give(bytes);
            throw;
        }
    }

    private JobMemory Memory(MemoryShare share, string user)
    {
        var memory = new JobMemory(share, ended =>
        {
            _training = [.. _training.Where(other => other != ended)];
            ended.Free();
            Sweep();
        });
        memory.Enter(user, forLong: true, ++_uses);
        _training = [.. _training, memory];
        return memory;
    }

    private (ResidentModel?, NoRoom?) Load(AskedModel asked)
    {
        long bytes = asked.Precision.BytesOf(asked.Text.Config, asked.Text.Folder) + Generator.CacheBytes(asked.Text.Config, asked.Precision, Capacity(asked.Text.Config));
        if (!_budget.TryTake(bytes)) return (null, NoRoomFor(bytes, "The model"));
        try
        {
            BaseModel loaded = BaseModel.Load(asked.Text, asked.Precision, _lease.Breathe);
            var generator = new Generator(loaded, _options.MaxBatchRows, LongestSequence, _budget) { OnFailure = Failed };
            _lease.AddStepper(generator.Step);
            Interlocked.Add(ref _modelBytes, bytes);
            return (_models[(asked.Text.Folder, asked.Precision)] = new ResidentModel(loaded, asked.Text, generator, bytes), null);
        }
        catch
        {
            _budget.Give(bytes);
            throw;
        }
    }

    private (ResidentAdapter?, NoRoom?) LoadAdapter(string id, string folder, ResidentModel model)
    {
        while (_adapters.Count >= _options.MaxResidentAdapters)
        {
            if (Unused(_adapters.Values) is not { } unused)
                return (null, new NoRoom(NoRoomKind.Adapters, $"All {_options.MaxResidentAdapters} adapters that may be loaded (FineTune:MaxResidentAdapters) are in use; try again in a moment."));
            Free(unused);
        }
        // Its file tells roughly what it takes, before it is read; a bf16 model reads a copy of its own.
        var file = new FileInfo(Path.Combine(folder, PeftFolder.WeightsFile));
        long bytes = file.Exists ? file.Length : 0;
        if (!_budget.TryTake(bytes)) return (null, NoRoomFor(bytes, "The adapter"));
        Adapter adapter;
        try
        {
            Telemetry.AdapterLoads.Add(1);
            adapter = Adapter.Load(folder, model.Base, _lease.Breathe);
            long whole = model.Base.Precision.Dtype == ComputeDtype.Bf16 ? adapter.Bytes / 2 * 3 : adapter.Bytes;
            if (_budget.TryTake(whole - bytes))
            {
                Interlocked.Add(ref _adapterBytes, whole);
                return (_adapters[id] = new ResidentAdapter(adapter, whole), null);
            }
        }
        catch
        {
            _budget.Give(bytes);
            throw;
        }
        adapter.Dispose();
        _budget.Give(bytes);
        return (null, NoRoomFor(2 * bytes, "The adapter"));
    }

    private NoRoom NoRoomFor(long bytes, string what)
    {
        long held = _options.DeviceBytes - ForJobs;
        if (bytes <= ForJobs) return new NoRoom(NoRoomKind.Memory, "The device's memory (FineTune:DeviceMemory) is in use; try again in a moment.");
        string beside = held > 0 ? $" beside the {held >> 20} MiB that a running job uses" : "";
        return new NoRoom(NoRoomKind.Never, $"{what} needs {(bytes >> 20) + 1} MiB, and FineTune:DeviceMemory gives {_options.DeviceBytes >> 20} MiB{beside}.");
    }

    private IEnumerable<Resident> All() => [.. _models.Values, .. _adapters.Values, .. _copies, .. _training];

    private static Resident? Unused(IEnumerable<Resident> residents) => residents.Where(resident => !resident.InUse).MinBy(resident => resident.LastUse);

    private void FreeUnused(long bytes)
    {
        // Nothing goes for a request that must wait all the same.
        if (All().Where(resident => !resident.InUse).Sum(resident => resident.Bytes) < bytes) return;
        for (long enough = _budget.Taken - bytes; _budget.Taken > enough && Unused(All()) is { } unused;) Free(unused);
    }

    private void Free(Resident resident)
    {
        foreach (string id in _adapters.Where(entry => entry.Value == resident).Select(entry => entry.Key).ToArray()) _adapters.Remove(id);
        foreach (var key in _models.Where(entry => entry.Value == resident).Select(entry => entry.Key).ToArray()) _models.Remove(key);
        _leaving.Remove(resident);
        if (resident is ResidentModel model) _lease.RemoveStepper(model.Generator.Step);
        else Telemetry.AdapterEvictions.Add(1);
        Interlocked.Add(ref resident is ResidentModel ? ref _modelBytes : ref _adapterBytes, -resident.Bytes);
        resident.Free();
        _budget.Give(resident.Bytes);
    }

    private void Exit(Resident resident, string user)
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

    private void Sweep()
    {
        foreach (Resident resident in _leaving.Where(resident => !resident.InUse).ToArray()) Free(resident);
        RoomCame?.Invoke();
    }

    private void Failed(Exception failure) => _log.LogError(failure, "An answer failed on the device");
}
