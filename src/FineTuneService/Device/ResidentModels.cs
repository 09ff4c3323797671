using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Device;

/// <summary>
/// What is loaded: bases and merged models by folder and precision, and adapters by id, within the device's memory budget. What is in
/// use stays; of the rest, what was used longest ago makes room. Called on the device's thread, but for what says otherwise.
/// </summary>
public sealed class ResidentModels : IDisposable
{
    private static readonly TimeSpan LongestClosing = TimeSpan.FromSeconds(5);

    private readonly DeviceLease _lease;
    private readonly ModelTexts _texts;
    private readonly ResidentSet _set;
    private readonly ModelLoading _loading;
    private readonly JobPlaces _jobs;

    public ResidentModels(DeviceLease lease, ModelTexts texts, IOptions<FineTuneOptions> options, ILogger<ResidentModels> log)
    {
        (_lease, _texts, _set) = (lease, texts, new ResidentSet(lease, options.Value.DeviceBytes));
        (_loading, _jobs) = (new ModelLoading(_set, lease, options.Value, log), new JobPlaces(this, _set, texts, lease));
    }

    /// <summary>What everything on the device is taken of. On the device's thread only.</summary>
    internal MemoryBudget Budget => _set.Budget;

    /// <summary>Bytes that are held.</summary>
    public long Bytes => _set.Budget.Taken;

    /// <summary>Loaded adapters.</summary>
    public int Adapters => _set.Adapters;

    /// <summary>Loaded models.</summary>
    public int Models => _set.Models;

    /// <inheritdoc cref="ResidentSet.ForJobs"/>
    public long ForJobs => _set.ForJobs;

    /// <inheritdoc cref="ResidentSet.BytesByKind"/>
    public (long Models, long Adapters, long Training) BytesByKind => _set.BytesByKind;

    /// <inheritdoc cref="ResidentSet.RoomCame"/>
    internal Action? RoomCame
    {
        get => _set.RoomCame;
        set => _set.RoomCame = value;
    }

    /// <summary>Tokens of the longest sequence, prompt and answer together.</summary>
    public static int Capacity(ModelConfig config) => Math.Min(ModelLoading.LongestSequence, config.MaxPositions);

    /// <summary>The model and its adapter, loaded now where they are not yet; or why there is no room for them.</summary>
    /// <param name="user">Who, as an operator would say it: an answer, a job by its id.</param>
    /// <param name="forLong">A job, which others need not wait for.</param>
    /// <exception cref="ModelException">The folder is no longer a model that can be loaded.</exception>
    /// <exception cref="AdapterException">The folder is no longer an adapter of this base.</exception>
    /// <exception cref="TensorFileException">A weights file cannot be used.</exception>
    internal (ModelUse?, NoRoom?) TryUse(AskedModel asked, string user, bool forLong = false)
    {
        (ResidentModel? model, NoRoom? none) = _set.Model(asked) is { } loaded ? (loaded, null) : _loading.Load(asked);
        if (model is null) return (null, none);
        _set.Enter(model, user, forLong); // In use before anything looks for what is not.
        ResidentAdapter? adapter = null;
        try
        {
            if (asked.AdapterId is { } id) (adapter, none) = _set.Adapter(id) is { } held ? (held, null) : _loading.LoadAdapter(id, asked.AdapterFolder!, model);
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
        if (adapter is not null) _set.Enter(adapter, user, forLong);
        return (new ModelUse(model, adapter, () =>
        {
            if (adapter is not null) _set.Exit(adapter, user);
            _set.Exit(model, user);
        }), null);
    }

    /// <inheritdoc cref="JobPlaces.Use"/>
    /// <exception cref="MemoryExceededException">There will be no room.</exception>
    public ModelUse? UseForJob(string folder, BasePrecision precision, string user, Func<bool> stop) => _jobs.Use(folder, precision, user, stop);

    /// <inheritdoc cref="JobPlaces.Memory"/>
    public JobMemory? MemoryForJob(long bytes, string user, Func<bool> stop) => _jobs.Memory(bytes, user, stop);

    /// <inheritdoc cref="JobPlaces.Copy(string, BasePrecision, string, Func{bool})"/>
    public ModelCopy? CopyForJob(string folder, BasePrecision precision, string user, Func<bool> stop) => _jobs.Copy(folder, precision, user, stop);

    /// <summary>Whether a model is loaded in this precision. From any thread.</summary>
    public Task<bool> Holds(AskedModel asked) => _lease.Serve("memory", () => _set.Model(asked) is not null);

    /// <summary>Where its tensors lie, as torch names it (cpu, cuda), and what holds memory and who uses it now. From any thread.</summary>
    public Task<(string Device, IReadOnlyList<MemoryHolder> Holders)> Holders() => _lease.Serve("memory", () => (_set.Device, _set.Holders()));

    /// <summary>Who uses an adapter (by its id) or a model (by its folder) now: "2 answers", "job ftjob-…". From any thread.</summary>
    public Task<IReadOnlyList<string>> UsersOf(string adapterIdOrFolder) => _lease.Serve("uses", () => _set.UsersOf(adapterIdOrFolder));

    /// <summary>Whether an adapter is loaded. From any thread.</summary>
    public bool IsLoaded(string adapterId) => _set.Adapter(adapterId) is not null;

    /// <inheritdoc cref="ResidentSet.Pin"/>
    public void Pin(string adapterId, bool stays) => _set.Pin(adapterId, stays);

    /// <inheritdoc cref="ResidentSet.PinsTooMuch"/>
    public bool PinsTooMuch => _set.PinsTooMuch;

    /// <summary>Lets go of what a deleted adapter or merged model held. Those who use it keep it until they end.</summary>
    public void Forget(string adapterIdOrFolder)
    {
        _texts.Forget(adapterIdOrFolder);
        _set.Forget(adapterIdOrFolder);
    }

    /// <summary>Answers that are still under way are cut, and told so.</summary>
    public void Dispose()
    {
        try
        {
            _lease.Serve("close", () =>
            {
                _set.FreeAll();
                return true;
            }).Wait(LongestClosing);
        }
        catch (AggregateException)
        {
            // The device closed first; the process's end frees everything.
        }
    }
}
