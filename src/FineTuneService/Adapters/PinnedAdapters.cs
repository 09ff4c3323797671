using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Hosting;
using FineTuneService.Models;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.Adapters;

/// <summary>
/// Adapters that stay loaded, and their bases with them. A tenant has a few, and all tenants together half of the places for adapters and, where they are on
/// several bases, of the memory: the rest is for whoever comes. They are loaded when they are pinned, and again when the service starts.
/// </summary>
internal sealed class PinnedAdapters(
    IServiceScopeFactory scopes, ModelTexts texts, ModelAccess access, DeviceLease lease, ResidentModels resident, IOptions<FineTuneOptions> options, TimeProvider clock, ILogger<PinnedAdapters> log) : BackgroundService
{
    /// <summary>Pins an adapter of the tenant's, and loads it.</summary>
    /// <returns>Why it cannot be, or null.</returns>
    public async Task<IResult?> Pin(AdapterEntry adapter, CancellationToken cancel)
    {
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        IResult? refusal = await db.InTransaction<IResult?>(async () =>
        {
            IQueryable<AdapterEntry> others = db.Adapters.Where(row => row.PinnedAt != null && row.Id != adapter.Id);
            if (await others.CountAsync(row => row.TenantId == adapter.TenantId) >= options.Value.MaxPinnedAdapters)
                return Errors.Conflict($"You have pinned {options.Value.MaxPinnedAdapters} adapters, which FineTune:MaxPinnedAdapters allows; unpin one first.", "too_many_pinned");
            if (await others.CountAsync() >= options.Value.MaxResidentAdapters / 2)
                return Errors.Busy("As many adapters are pinned as may be, half of FineTune:MaxResidentAdapters; try again later.", "no_place_to_pin");
            await db.Adapters.Where(row => row.Id == adapter.Id).ExecuteUpdateAsync(set => set.SetProperty(row => row.PinnedAt, row => row.PinnedAt ?? now));
            return null;
        });
        if (refusal is not null) return refusal;
        string? full = null;
        try
        {
            full = await Load(scope, adapter, cancel);
            return full is null ? null : Errors.Busy(full);
        }
        catch (Exception damaged) when (damaged is ModelException or AdapterException or TensorFileException or IOException)
        {
            full = damaged.Message;
            return Errors.Make(503, $"The adapter cannot be loaded: {damaged.Message}", "model_unusable");
        }
        finally
        {
            if (full is not null) await Unpin(adapter);
        }
    }

    public async Task Unpin(AdapterEntry adapter)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        await db.Adapters.Where(row => row.Id == adapter.Id).ExecuteUpdateAsync(set => set.SetProperty(row => row.PinnedAt, (long?)null));
        await Mark(adapter.Id, stays: false);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
            foreach (AdapterEntry adapter in await db.Adapters.AsNoTracking().Where(row => row.PinnedAt != null).OrderBy(row => row.PinnedAt).ToListAsync(stoppingToken)) await LoadAgain(scope, adapter, stoppingToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogWarning(failure, "Pinned adapters are not loaded yet; the first answer of each does it");
        }
        catch (OperationCanceledException)
        {
            // The service ends.
        }
    }

    private async Task LoadAgain(AsyncServiceScope scope, AdapterEntry adapter, CancellationToken cancel)
    {
        string? why;
        try
        {
            await Mark(adapter.Id, stays: true); // Should it not be loaded now, its first answer does it.
            why = await Load(scope, adapter, cancel);
        }
        catch (Exception damaged) when (damaged is ModelException or AdapterException or TensorFileException or IOException)
        {
            why = damaged.Message;
        }
        if (why is not null) log.LogWarning("The pinned adapter {Adapter} is not loaded: {Reason}", adapter.Id, why);
    }

    /// <returns>Why there is no room, or null.</returns>
    private async Task<string?> Load(AsyncServiceScope scope, AdapterEntry adapter, CancellationToken cancel)
    {
        if (await scope.ServiceProvider.GetRequiredService<ModelCatalog>().Find(adapter.Model, null, cancel) is not { } served) return "its base was deleted.";
        var asked = new AskedModel(await Task.Run(() => texts.Of(served.Folder), cancel), served.Precision, adapter.Id, adapter.Folder);
        (bool pinned, NoRoom? full) = await access.Run(asked, "a pin", adapter.TenantId, use =>
        {
            using (use) resident.Pin(adapter.Id, stays: true);
            if (!resident.PinsTooMuch) return true;
            resident.Pin(adapter.Id, stays: false);
            return false;
        }, cancel);
        return full?.Message ?? (pinned ? null : "Pinned adapters and their bases would take more than half of the device's memory (FineTune:DeviceMemory); unpin one on another base first.");
    }

    private Task<bool> Mark(string adapter, bool stays) => lease.Serve("a pin", () =>
    {
        resident.Pin(adapter, stays);
        return true;
    });
}
