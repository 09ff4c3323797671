using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Models;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Hub;

/// <summary>What became of the wish to have a base from the hub.</summary>
internal enum HubBegun
{
    /// <summary>It downloads: now, or since somebody else asked for the same.</summary>
    Downloading,

    /// <summary>A model, or another download, has that name.</summary>
    NameTaken,

    /// <summary>The same files are on their way under another name.</summary>
    UnderAnotherName,
}

/// <summary>Rows of downloads.</summary>
internal sealed class HubStore(IServiceScopeFactory scopes, TimeProvider clock)
{
    /// <summary>Begins a download, or goes on with one that failed.</summary>
    /// <returns>The row that there now is of that name, or of those files.</returns>
    public async Task<(HubBegun Begun, HubDownload? Row)> Begin(string id, HubSource source, string? token)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        return await db.InTransaction<(HubBegun, HubDownload?)>(async () =>
        {
            if (await db.Models.AnyAsync(row => row.Id == id) || await db.Adapters.AnyAsync(row => row.Model == id) || await db.Aliases.AnyAsync(row => row.Name == id)) return (HubBegun.NameTaken, null);
            HubDownload? known = await db.HubDownloads.FirstOrDefaultAsync(row => row.Id == id);
            if (known is not null && !known.IsOf(source)) return (HubBegun.NameTaken, known);
            if (known?.Status == HubStatus.Downloading) return (HubBegun.Downloading, known);
            HubDownload? other = await db.HubDownloads.FirstOrDefaultAsync(row =>
                row.Status == HubStatus.Downloading && row.Repo == source.Repo && row.Revision == source.Revision && row.File == source.File);
            if (other is not null) return (HubBegun.UnderAnotherName, other);
            if (known is null)
            {
                known = new HubDownload { Id = id, Repo = source.Repo, Revision = source.Revision, File = source.File, Folder = Ids.New("hub"), Status = HubStatus.Downloading };
                db.HubDownloads.Add(known);
            }
            known.Status = HubStatus.Downloading;
            known.CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds();
            (known.Token, known.Error, known.FinishedAt) = (token, null, null);
            await db.SaveChangesAsync();
            return (HubBegun.Downloading, known);
        });
    }

    public async Task<IReadOnlyList<HubDownload>> UnderWay(CancellationToken cancel)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        return await db.HubDownloads.AsNoTracking().Where(row => row.Status == HubStatus.Downloading).OrderBy(row => row.Number).ToListAsync(cancel);
    }

    /// <summary>How far it is.</summary>
    /// <returns>Whether it is still wanted.</returns>
    public Task<bool> Progress(HubDownload download, string commit, long? total, long done) =>
        Change(download.Id, (_, row) => (row.Commit, row.BytesTotal, row.BytesDone) = (commit, total ?? row.BytesTotal, done));

    /// <summary>It is a base from now on.</summary>
    /// <returns>Whether it was still wanted.</returns>
    public Task<bool> Ready(HubDownload download, string folder, long bytes) => Change(download.Id, (db, row) =>
    {
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        (row.Status, row.BytesDone, row.BytesTotal, row.FinishedAt, row.Token) = (HubStatus.Ready, bytes, bytes, now, null);
        db.Models.Add(new ModelEntry { Id = row.Id, TenantId = "", Folder = folder, CreatedAt = now });
    });

    /// <param name="anew">Whether nothing of it serves a later try.</param>
    public Task<bool> Fail(HubDownload download, HubProblem problem, bool anew, long done) => Change(download.Id, (_, row) =>
    {
        (row.Status, row.Error, row.FinishedAt, row.Token) = (HubStatus.Failed, JsonSerializer.Serialize(problem, Json.Options), clock.GetUtcNow().ToUnixTimeSeconds(), null);
        row.BytesDone = anew ? 0 : done;
        if (anew) row.Commit = null; // The repository may have been mended.
    });

    /// <summary>Nobody wants it any more.</summary>
    public async Task<bool> Remove(string id)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        return await db.InTransaction(() => db.HubDownloads.Where(row => row.Id == id).ExecuteDeleteAsync()) == 1;
    }

    private async Task<bool> Change(string id, Action<FineTuneDbContext, HubDownload> change)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        return await db.InTransaction(async () =>
        {
            if (await db.HubDownloads.FirstOrDefaultAsync(row => row.Id == id && row.Status == HubStatus.Downloading) is not { } row) return false;
            change(db, row);
            await db.SaveChangesAsync();
            return true;
        });
    }
}
