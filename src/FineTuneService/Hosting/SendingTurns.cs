namespace FineTuneService.Hosting;

/// <summary>What is being sent to other servers now: so many at once, of a tenant fewer, and to one receiver one after the other, so that a slow one holds up nobody else.</summary>
internal sealed class SendingTurns(int mostAtOnce, int mostOfATenant)
{
    private readonly Dictionary<string, (string Tenant, Task Sending)> _underWay = [];

    /// <summary>Begins to send where there is a turn; elsewhere the caller asks again later. One thread calls it.</summary>
    /// <param name="receiver">Of which one is under way at a time.</param>
    public void TryBegin(string receiver, string tenant, Func<Task> send)
    {
        foreach (string ended in _underWay.Where(one => one.Value.Sending.IsCompleted).Select(one => one.Key).ToArray()) _underWay.Remove(ended);
        if (_underWay.Count >= mostAtOnce || _underWay.ContainsKey(receiver) || _underWay.Values.Count(one => one.Tenant == tenant) >= mostOfATenant) return;
        _underWay[receiver] = (tenant, Task.Run(send, CancellationToken.None));
    }

    /// <summary>Ends when all that was begun has.</summary>
    public Task Ended() => Task.WhenAll(_underWay.Values.Select(one => one.Sending));
}
