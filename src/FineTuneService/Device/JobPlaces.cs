using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;

namespace FineTuneService.Device;

/// <summary>What jobs hold of the device's memory. While answers hold it, a job lets them go on until there is room. On the device's thread only.</summary>
internal sealed class JobPlaces(ResidentModels resident, ResidentSet set, ModelTexts texts, DeviceLease lease)
{
    /// <summary>A job's base, which others use too.</summary>
    /// <param name="stop">Whether the job is to end.</param>
    /// <returns>Null where it was to end before there was room.</returns>
    /// <exception cref="MemoryExceededException">There will be no room.</exception>
    /// <exception cref="ModelException">The folder is no longer a model.</exception>
    public ModelUse? Use(string folder, BasePrecision precision, string user, Func<bool> stop)
    {
        var asked = new AskedModel(texts.Of(folder), precision);
        return Wait(stop, () =>
        {
            (ModelUse? use, NoRoom? none) = resident.TryUse(asked, user, forLong: true);
            return use ?? (none!.Kind == NoRoomKind.Never ? throw new MemoryExceededException(none.Message.TrimEnd('.'), 0) : null);
        });
    }

    /// <summary>Memory for what a job holds beside its base, set aside before it trains.</summary>
    /// <param name="bytes">What the job may come to need.</param>
    /// <inheritdoc cref="Use"/>
    public JobMemory? Memory(long bytes, string user, Func<bool> stop)
    {
        var share = new MemoryShare(set.Budget);
        return Wait(stop, () =>
        {
            if (!share.TrySetAside(bytes)) return RequireRoom<JobMemory>(bytes, "Training");
            var memory = new JobMemory(share, set.Remove);
            set.Add(memory, user);
            return memory;
        });
    }

    /// <summary>A copy of a base that a job may change.</summary>
    /// <inheritdoc cref="Use"/>
    public ModelCopy? Copy(string folder, BasePrecision precision, string user, Func<bool> stop)
    {
        ModelText text = texts.Of(folder);
        long bytes = precision.BytesOf(text.Config, folder);
        return Wait(stop, () => set.Budget.TryTake(bytes) ? Copy(text, precision, bytes, user) : RequireRoom<ModelCopy>(bytes, "Full training of the model"));
    }

    private ModelCopy Copy(ModelText text, BasePrecision precision, long bytes, string user)
    {
        try
        {
            var copy = new ModelCopy(BaseModel.Load(text, precision, lease.Breathe), bytes, set.Remove);
            set.Add(copy, user);
            return copy;
        }
        catch
        {
            set.Budget.Give(bytes);
            throw;
        }
    }

    private T? RequireRoom<T>(long bytes, string what)
        where T : class => set.NoRoomFor(bytes, what) is { Kind: NoRoomKind.Never } none ? throw new MemoryExceededException(none.Message.TrimEnd('.'), bytes) : null;

    private T? Wait<T>(Func<bool> stop, Func<T?> place)
        where T : class
    {
        while (!stop())
        {
            if (place() is { } there) return there;
            lease.Offer();
            Thread.Sleep(1); // An offer may come too soon after the last.
        }
        return null;
    }
}
