using FineTuneService.Aliases;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Formats;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Models;

/// <summary>Rows of bases and merged models, made and deleted in one step with the question whether they may be.</summary>
internal sealed class ModelStore(FineTuneDbContext db, DataDirectory directory, DeviceLease lease, ResidentModels resident, TimeProvider clock, ILogger<ModelStore> log)
{
    /// <returns>The base's row, or null where one of this id is there, or a tenant's alias has its name.</returns>
    public Task<ModelEntry?> Add(string id, string folder) => db.InTransaction<ModelEntry?>(async () =>
    {
        if (await db.Models.IgnoreQueryFilters().AnyAsync(row => row.Id == id) || await db.Aliases.IgnoreQueryFilters().AnyAsync(row => row.Name == id)) return null;
        var entry = new ModelEntry { Id = id, TenantId = "", Folder = folder, CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds() };
        db.Models.Add(entry);
        await db.SaveChangesAsync();
        return entry;
    });

    /// <summary>Moves a finished folder to where models of tenants are, and makes its row, which the caller adds.</summary>
    /// <param name="folder">A temporary folder, complete.</param>
    /// <param name="name">How its name begins; a random part follows, and the ending.</param>
    /// <param name="madeOf">The base that was trained.</param>
    public ModelEntry Keep(string folder, string tenant, string name, string ending, string madeOf)
    {
        string home = Path.Combine(directory.Merged, Ids.New("merged"));
        Durable.MoveFolder(folder, home);
        return new ModelEntry
        {
            Id = name + Path.GetFileName(home)["merged-".Length..] + ending,
            TenantId = tenant,
            Folder = home,
            AdapterId = madeOf,
            CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(),
        };
    }

    /// <summary>Deletes a base, or a merged model with its files. Answers under way keep what is loaded until they end.</summary>
    /// <returns>Whether it was there, and why it cannot go.</returns>
    public async Task<(bool Deleted, string? InUse)> Delete(ModelEntry entry)
    {
        bool isBase = entry.TenantId.Length == 0;
        (int deleted, string? inUse, bool shared) = await db.InTransaction<(int, string?, bool)>(async () =>
        {
            if ((isBase ? await InUse(entry.Id) : null) is { } user) return (0, user, false);
            if (await AliasUse.Of(db, entry.Id) is { } named) return (0, named, false);
            int gone = await db.Models.Where(row => row.Id == entry.Id).ExecuteDeleteAsync();
            // The folder may have a second name, whose answers use the same weights.
            return (gone, null, await db.Models.IgnoreQueryFilters().AnyAsync(row => row.Folder == entry.Folder));
        });
        if (deleted == 1 && !isBase) await db.Checkpoints.Where(row => row.Model == entry.Id).ExecuteDeleteAsync();
        if (deleted == 0 || shared) return (deleted == 1, inUse);
        await lease.Serve("forget", () =>
        {
            resident.Forget(entry.Folder);
            return true;
        });
        if (!isBase) RemoveFiles(entry);
        return (true, null);
    }

    private async Task<string?> InUse(string id)
    {
        if (await db.Adapters.IgnoreQueryFilters().AnyAsync(row => row.BaseModel == id)) return $"Adapters were trained on '{id}'; delete them first.";
        List<string> jobs = await db.Jobs.IgnoreQueryFilters().Where(job => job.Model == id && job.Status != JobStatus.Succeeded && job.Status != JobStatus.Failed && job.Status != JobStatus.Cancelled)
            .Select(job => job.Id).Take(5).ToListAsync();
        return jobs.Count == 0 ? null : $"Jobs train on '{id}' or wait to ({string.Join(", ", jobs)}); cancel them, or wait until they have ended.";
    }

    private void RemoveFiles(ModelEntry entry)
    {
        try
        {
            Durable.Remove(entry.Folder);
        }
        catch (Exception kept) when (kept is IOException or UnauthorizedAccessException)
        {
            log.LogWarning("The files of the deleted model {Model} cannot be removed; the next start tries again: {Reason}", entry.Id, kept.Message);
        }
    }
}
