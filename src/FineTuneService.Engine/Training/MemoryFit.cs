using System.Diagnostics;
using FineTuneService.Engine.Compute;

namespace FineTuneService.Engine.Training;

/// <summary>Fits a run's steps into its device's memory budget: what does not fit is done again with half the rows at once.</summary>
/// <param name="share">Null: no limit.</param>
internal sealed class MemoryFit(BufferPool pool, MemoryShare? share, MicroBatchSizes sizes)
{
    /// <summary>How long a micro batch of one row waits for answers to give memory back.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    public MicroBatchSizes Sizes { get; set; } = sizes;

    /// <summary>Lets requests go on, which then give memory back.</summary>
    public Action? YieldPoint { get; set; }

    /// <summary>Ends the waiting.</summary>
    public Func<bool>? StopRequested { get; set; }

    /// <summary>Does what belongs to an optimizer step.</summary>
    /// <param name="work">Given the most rows of a forward. Where it throws it has changed nothing that it does not set anew.</param>
    /// <exception cref="MemoryExceededException">It does not even fit a row at a time.</exception>
    public T Run<T>(int step, Action<MicroBatchHalved> halved, Func<int, T> work)
    {
        long? waits = null;
        while (true)
        {
            int rows = Sizes.At(step);
            try
            {
                return work(rows);
            }
            catch (MemoryExceededException exceeded)
            {
                pool.ReturnAll();
                pool.Trim();
                if (Sizes.Halve(step) is { } half)
                {
                    halved(new MicroBatchHalved(step, rows, half, Sizes.Divisions));
                    continue;
                }
                waits ??= Stopwatch.GetTimestamp();
                if (!RoomComes(exceeded.Bytes, waits.Value)) throw;
            }
        }
    }

    private bool RoomComes(long bytes, long since)
    {
        while (YieldPoint is not null && Stopwatch.GetElapsedTime(since) < LongestWait && StopRequested?.Invoke() != true)
        {
            YieldPoint();
            Thread.Sleep(1); // An offer may come too soon after the last.
            if (!share!.TryTake(bytes)) continue;
            share.Give(bytes);
            return true;
        }
        return false;
    }
}
