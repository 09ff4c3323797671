using System.Text.Json;
using FineTuneService.Aliases;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Adapters;

/// <summary>Adapters on disk, a folder each under the tenant's: whole or not there, and a row only once they are safe.</summary>
internal sealed class AdapterStore(
    DataDirectory directory, FineTuneDbContext db, DeviceLease lease, ResidentModels resident, TimeProvider clock, ILogger<AdapterStore> log)
{
    /// <summary>Keeps a finished folder in PEFT's format as an adapter of the tenant. Where that fails, nothing of it stays.</summary>
    /// <param name="folder">A temporary folder, complete.</param>
    /// <param name="combination">What it was combined of.</param>
    /// <returns>Null where the base has been deleted meanwhile.</returns>
    public async Task<AdapterEntry?> Save(string folder, string tenant, string baseModel, BasePrecision precision, string? suffix, CombinationLineage? combination = null)
    {
        AdapterEntry adapter = Add(folder, tenant, baseModel, precision, suffix);
        if (combination is not null) adapter.Combination = JsonSerializer.Serialize(combination, Json.Options);
        AdapterEntry? saved = null;
        try
        {
            return saved = await db.InTransaction(async () =>
            {
                if (!await db.Models.AnyAsync(row => row.Id == baseModel && row.TenantId == "")) return null;
                db.Adapters.Add(adapter);
                await db.SaveChangesAsync();
                return adapter;
            });
        }
        finally
        {
            if (saved is null) Durable.Remove(adapter.Folder);
        }
    }

    /// <summary>Moves a finished folder in PEFT's format to where the tenant's adapters are, and makes its row, which the caller adds.</summary>
    /// <param name="folder">A temporary folder, complete.</param>
    public AdapterEntry Add(string folder, string tenant, string baseModel, BasePrecision precision, string? suffix)
    {
        LoraConfig config = PeftConfig.Parse(File.ReadAllText(Path.Combine(folder, PeftFolder.ConfigFile)));
        string id = Ids.New("ad");
        string home = Path.Combine(directory.Adapters, tenant, id);
        Durable.CreateFolder(Path.GetDirectoryName(home)!);
        Durable.MoveFolder(folder, home);
        return new AdapterEntry
        {
            Id = id,
            TenantId = tenant,
            Model = $"ft:{baseModel}:{tenant}:{suffix}:{id[3..]}",
            BaseModel = baseModel,
            Precision = JsonSerializer.Serialize(precision, Json.Options),
            Folder = home,
            Bytes = new FileInfo(Path.Combine(home, PeftFolder.WeightsFile)).Length,
            Rank = config.Prompt is null ? config.Rank : AdapterEntry.NoRank,
            Alpha = config.Prompt is null ? config.Alpha : 0,
            CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(),
        };
    }

    /// <summary>Removes the row, then what is loaded, then the files. Answers under way keep what is loaded until they end.</summary>
    /// <returns>Whether it was there (of two requests at once, one is told so), and why it cannot go.</returns>
    public async Task<(bool Deleted, string? InUse)> Delete(AdapterEntry adapter)
    {
        (int deleted, string? inUse) = await db.InTransaction<(int, string?)>(async () =>
            await AliasUse.Of(db, adapter.Model) is { } named ? (0, named) : (await db.Adapters.Where(row => row.Id == adapter.Id).ExecuteDeleteAsync(), null));
        if (deleted == 0) return (false, inUse);
        if (adapter.IsCheckpoint) await db.Checkpoints.Where(row => row.AdapterId == adapter.Id).ExecuteDeleteAsync();
        await lease.Serve("forget", () =>
        {
            resident.Forget(adapter.Id);
            return true;
        });
        try
        {
            Durable.Remove(adapter.Folder);
        }
        catch (Exception kept) when (kept is IOException or UnauthorizedAccessException)
        {
            log.LogWarning("The files of the deleted adapter {Adapter} cannot be removed; the next start tries again: {Reason}", adapter.Id, kept.Message);
        }
        return (true, null);
    }
}
