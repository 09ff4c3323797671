using FineTuneService.Engine.Formats;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Data;

/// <summary>
/// Collects, before the first request, what no row names: a kill between a rename and its row's commit leaves such bytes. Only what
/// looks like ours goes, and only of tenants that this database knows: beside a new or a strange database nothing is collected.
/// </summary>
internal sealed class Orphans(FineTuneDbContext db, DataDirectory directory, ILogger<Orphans> log)
{
    public void Collect()
    {
        if (directory.Unfinished > 0) log.LogWarning("Removed {Count} unfinished writes: the service was killed before it had acknowledged them", directory.Unfinished);
        List<string> tenants = db.Tenants.Select(row => row.Id).ToList();
        HashSet<string> adapters = NamesOf(db.Adapters.IgnoreQueryFilters().Select(row => row.Folder)), merged = NamesOf(db.Models.IgnoreQueryFilters().Select(row => row.Folder));
        foreach (string tenant in tenants)
        {
            Collect("uploaded bytes", Path.Combine(directory.Blobs, tenant), IsSha256, BlobUse.Of(db, tenant).ToHashSet());
            Collect("adapters", Path.Combine(directory.Adapters, tenant), name => name.StartsWith("ad-", StringComparison.Ordinal), adapters);
        }
        TellOfMissing();
        Collect("bases from the hub", directory.Hub, name => name.StartsWith("hub-", StringComparison.Ordinal), [.. db.HubDownloads.Select(row => row.Folder)]);
        if (tenants.Count > 0) Collect("merged models", directory.Merged, name => name.StartsWith("merged-", StringComparison.Ordinal), merged);
    }

    /// <summary>The other way round: what a row names and the disk has lost. Nothing mends that here; whoever asks for it is told, and the rest lives.</summary>
    private void TellOfMissing()
    {
        string[] files = [.. db.Files.IgnoreQueryFilters().Select(row => new { row.Id, row.TenantId, row.Sha256 }).AsEnumerable()
            .Where(row => !File.Exists(Path.Combine(directory.Blobs, row.TenantId, row.Sha256))).Select(row => row.Id)];
        string[] adapters = [.. db.Adapters.IgnoreQueryFilters().Select(row => new { row.Id, row.Folder }).AsEnumerable().Where(row => !Directory.Exists(row.Folder)).Select(row => row.Id)];
        if (files.Length + adapters.Length > 0)
            log.LogError("The disk has lost the bytes of {Count} files and adapters; restore them from a backup, or delete them: {Ids}", files.Length + adapters.Length, string.Join(", ", files.Concat(adapters).Take(20)));
    }

    /// <param name="named">Names, not paths: a data directory that was moved has other paths in its rows.</param>
    private void Collect(string what, string folder, Predicate<string> ours, HashSet<string> named)
    {
        if (!Directory.Exists(folder)) return;
        int collected = 0;
        foreach (string path in Directory.EnumerateFileSystemEntries(folder).Where(path => ours(Path.GetFileName(path)) && !named.Contains(Path.GetFileName(path))).ToList())
        {
            try
            {
                Durable.Remove(path);
                collected++;
            }
            catch (Exception kept) when (kept is IOException or UnauthorizedAccessException)
            {
                log.LogWarning("{Path} belongs to nothing and cannot be removed: {Reason}", path, kept.Message);
            }
        }
        if (collected > 0) log.LogWarning("Removed {Count} {What} of {Folder} that belonged to nothing: the service was killed before it had acknowledged them", collected, what, folder);
    }

    private static HashSet<string> NamesOf(IQueryable<string> folders) => [.. folders.AsEnumerable().Select(folder => Path.GetFileName(folder))];

    private static bool IsSha256(string name) => name.Length == 64 && name.All(char.IsAsciiHexDigitLower);
}
