using FineTuneService.Engine.Compute;

namespace FineTuneService.Engine.Generation;

/// <summary>
/// What a generator's rows have set aside of the memory budget for their keys and values: as much as each can come to need, so that
/// an answer under way never runs out. Room for one whole sequence is the generator's always: some row can go on whatever others hold.
/// </summary>
/// <param name="budget">Null: no limit.</param>
/// <param name="always">Bytes of one sequence of full length, which the budget has been asked for already.</param>
internal sealed class CacheRoom(MemoryBudget? budget, long always)
{
    private long _rows;

    /// <returns>False where the row must wait.</returns>
    public bool TryTake(long bytes)
    {
        long more = Beyond(_rows + bytes) - Beyond(_rows);
        if (more > 0 && budget?.TryTake(more) == false) return false;
        _rows += bytes;
        return true;
    }

    public void Give(long bytes)
    {
        budget?.Give(Beyond(_rows) - Beyond(_rows - bytes));
        _rows -= bytes;
    }

    private long Beyond(long bytes) => Math.Max(0, bytes - always);
}
