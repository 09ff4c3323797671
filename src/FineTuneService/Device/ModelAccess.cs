using FineTuneService.Engine.Lora;

namespace FineTuneService.Device;

/// <summary>
/// Brings work to the device together with the model that it needs. Work that finds no room waits, tenant by tenant, until others have
/// ended; who has waited for a while is not overtaken by those who would go on holding what is short.
/// </summary>
public sealed class ModelAccess
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30), Patience = TimeSpan.FromSeconds(1);

    private readonly DeviceLease _lease;
    private readonly ResidentModels _resident;
    private readonly TimeProvider _clock;

    /// <summary>Those that found no room, as they came. On the device's thread only.</summary>
    private readonly List<Waiter> _waiting = [];

    public ModelAccess(DeviceLease lease, ResidentModels resident, TimeProvider clock)
    {
        (_lease, _resident, _clock) = (lease, resident, clock);
        resident.RoomCame = () => Retry();
    }

    /// <summary>Runs work on the device's thread once its model is loaded.</summary>
    /// <param name="user">Who uses the model, as an operator would say it.</param>
    /// <param name="turn">Whose turn it is: a tenant's id.</param>
    /// <param name="work">Takes over the use, and disposes it on the device's thread, now or later.</param>
    /// <returns>What the work gave, or why there was no room for as long as one may wait.</returns>
    internal async Task<(T?, NoRoom?)> Run<T>(AskedModel asked, string user, string turn, Func<ModelUse, T> work, CancellationToken cancel)
    {
        var done = new TaskCompletionSource<(T?, NoRoom?)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiter = new Waiter(asked, turn, _clock.GetTimestamp());
        waiter.Try = () => Try(waiter, user, work, done);
        await _lease.Serve(user, () => Begin(waiter), cancel, turn);
        try
        {
            return await done.Task.WaitAsync(LongestWait, _clock, cancel);
        }
        catch (Exception late) when (late is TimeoutException or OperationCanceledException && !done.Task.IsFaulted)
        {
            await _lease.Serve("leave", () => Leave(waiter), CancellationToken.None);
            cancel.ThrowIfCancellationRequested();
            return done.Task.IsCompleted ? await done.Task : (default, waiter.Why);
        }
    }

    /// <summary>Lets the system read in an adapter that will have to be loaded, while its request waits for other things. From any thread.</summary>
    internal void Prefetch(AskedModel asked)
    {
        if (asked.AdapterId is { } id && !_resident.IsLoaded(id)) PageCache.Fetch(Path.Combine(asked.AdapterFolder!, PeftFolder.WeightsFile));
    }

    /// <returns>Whether it is done with.</returns>
    private bool Try<T>(Waiter waiter, string user, Func<ModelUse, T> work, TaskCompletionSource<(T?, NoRoom?)> done)
    {
        ModelUse? use = null;
        try
        {
            (use, waiter.Why) = _resident.TryUse(waiter.Asked, user);
            if (use is not null) done.TrySetResult((work(use), null));
            else if (waiter.Why!.Kind == NoRoomKind.Never) done.TrySetResult((default, waiter.Why));
            else return false;
        }
        catch (Exception failure)
        {
            use?.Dispose();
            done.TrySetException(failure);
        }
        return true;
    }

    private bool Begin(Waiter waiter)
    {
        bool began = !_waiting.Exists(other => HoldsBack(other, waiter)) && waiter.Try();
        if (!began) _waiting.Add(waiter);
        return began;
    }

    private bool Leave(Waiter waiter) => _waiting.Remove(waiter) && Retry();

    /// <summary>Lets each tenant's first try, then each one's second, and so on.</summary>
    private bool Retry()
    {
        Waiter[] turns = [.. _waiting.GroupBy(waiter => waiter.Turn).SelectMany(own => own.Select((waiter, place) => (waiter, place))).OrderBy(pair => pair.place).Select(pair => pair.waiter)];
        var stay = new List<Waiter>();
        foreach (Waiter waiter in turns)
        {
            if (stay.Exists(other => HoldsBack(other, waiter)) || !waiter.Try()) stay.Add(waiter);
            else _waiting.Remove(waiter);
        }
        return true;
    }

    private bool HoldsBack(Waiter first, Waiter other) =>
        first != other && _clock.GetElapsedTime(first.Since) > Patience && (first.Why?.Kind == NoRoomKind.Memory || other.Asked.AdapterId is not null);

    private sealed class Waiter(AskedModel asked, string turn, long since)
    {
        public AskedModel Asked => asked;
        public string Turn => turn;
        public long Since => since;
        public Func<bool> Try { get; set; } = () => false;

        /// <summary>Why it waits; null before it has tried.</summary>
        public NoRoom? Why { get; set; }
    }
}
