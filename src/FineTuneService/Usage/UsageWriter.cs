using FineTuneService.Data;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Usage;

/// <summary>
/// Writes what was counted, in one transaction every two seconds: a kill loses what was answered in the last of them, a stop nothing, as it
/// comes after the last answer. Once an hour it notes what each tenant stores.
/// </summary>
internal sealed class UsageWriter(UsageMeter meter, IServiceScopeFactory scopes, TimeProvider clock, ILogger<UsageWriter> log) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2), BetweenLooks = TimeSpan.FromHours(1);

    private readonly SemaphoreSlim _turn = new(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        DateTimeOffset looked = DateTimeOffset.MinValue;
        bool told = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                await Write(stoppingToken);
                if (clock.GetUtcNow() - looked > BetweenLooks) await NoteStored(stoppingToken);
                else continue;
                (looked, told) = (clock.GetUtcNow(), false);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                if (!told) log.LogWarning(failure, "Usage is not written yet; it is tried again");
                told = true;
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Write(CancellationToken.None);
    }

    /// <summary>Writes what was counted so far; whoever reads usage calls it first. What cannot be written stays counted.</summary>
    public async Task Write(CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        Counted taken = meter.Take();
        bool written = taken.IsEmpty;
        try
        {
            if (written) return;
            await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
            await db.InTransaction(async () =>
            {
                foreach ((UsageKey key, Served counts) in taken.Counts) await UsageRows.AddServed(db, key, counts);
                foreach ((string adapter, long at) in taken.LastUsed) await UsageRows.NoteUse(db, adapter, at);
                return true;
            });
            written = true;
        }
        finally
        {
            if (!written) meter.GiveBack(taken);
            _turn.Release();
        }
    }

    private async Task NoteStored(CancellationToken cancel)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        var stored = scope.ServiceProvider.GetRequiredService<StoredBytes>();
        string day = Days.Of(clock.GetUtcNow());
        foreach (string tenant in await db.Tenants.Select(row => row.Id).ToListAsync(cancel))
        {
            long bytes = await stored.Of(tenant);
            await db.InTransaction(() => UsageRows.NoteStored(db, tenant, day, bytes));
        }
    }
}
