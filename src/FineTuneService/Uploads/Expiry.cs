using FineTuneService.Data;
using FineTuneService.Files;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Uploads;

/// <summary>Removes what has had its time: files with expires_after, and uploads that nobody has completed.</summary>
internal sealed class Expiry(IServiceScopeFactory scopes, TimeProvider clock, ILogger<Expiry> log) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, clock);
        do
        {
            try
            {
                await Sweep(stoppingToken);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogWarning(failure, "What has expired could not be removed; it is tried again");
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).AsTask().ContinueWith(tick => tick.IsCompletedSuccessfully && tick.Result, TaskScheduler.Default));
    }

    /// <summary>Removes what has expired by now.</summary>
    public async Task Sweep(CancellationToken cancel)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        var files = scope.ServiceProvider.GetRequiredService<FileStore>();
        var parts = scope.ServiceProvider.GetRequiredService<UploadParts>();
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        foreach (string id in await db.Files.Where(row => row.ExpiresAt <= now).Select(row => row.Id).ToListAsync(cancel)) await files.Delete(id);
        foreach (Upload upload in await db.Uploads.AsNoTracking().Where(row => row.Status == Upload.Pending && row.ExpiresAt <= now).ToListAsync(cancel)) await parts.GiveUp(upload, Upload.Expired);
    }
}
