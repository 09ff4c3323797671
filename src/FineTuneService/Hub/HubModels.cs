using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Models;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Hub;

/// <summary>Where a base came from.</summary>
/// <param name="Revision">That was asked for.</param>
/// <param name="Commit">What that stood for; absent before the hub has said.</param>
/// <param name="File">The GGUF file, where one was asked for.</param>
public sealed record HubBody(string Repo, string Revision, string? Commit, string? File);

/// <summary>Bases from the hub as /v1/models has them.</summary>
internal sealed class HubModels(FineTuneDbContext db, HubStore store, HubDownloads downloads)
{
    public const string IdRule = "id must be 1 to 64 letters, digits, dots, dashes and underscores.";
    private const int LongestToken = 512;

    /// <summary>The first of the hub's fields that a body has, or null.</summary>
    public static string? Fields(RegisterModelRequest body) =>
        new (string Name, string? Value)[] { ("repo", body.Repo), ("revision", body.Revision), ("token", body.Token), ("file", body.File) }.FirstOrDefault(field => field.Value is not null).Name;

    /// <summary>Begins to download, in the background; the same again goes on with what failed, or tells of what is under way.</summary>
    public async Task<IResult> Register(RegisterModelRequest body)
    {
        if (Problem(body) is var (message, param)) return Errors.BadRequest(message, param: param);
        string id = body.Id ?? body.Repo![(body.Repo!.LastIndexOf('/') + 1)..];
        if (!Ids.IsSuffix(id)) return Errors.BadRequest(IdRule, param: "id");
        (HubBegun begun, HubDownload? row) = await store.Begin(id, new HubSource(body.Repo!, body.Revision ?? "main", body.File), body.Token);
        if (begun == HubBegun.NameTaken) return ModelsApi.Exists(id);
        if (begun == HubBegun.UnderAnotherName) return Errors.Conflict($"'{row!.Repo}' is on its way already, as '{row.Id}'; wait for that, or delete it.", "already_downloading");
        downloads.Begin(row!);
        return Results.Ok(Body(row!));
    }

    /// <summary>What is on its way, or did not come.</summary>
    public async Task<IReadOnlyList<ModelBody>> Coming(CancellationToken cancel)
    {
        // Asked before the rows, which say for a moment that one is coming when its download has ended already.
        IReadOnlyDictionary<string, long> before = downloads.BytesNow();
        List<HubDownload> rows = await db.HubDownloads.AsNoTracking().Where(row => row.Status != HubStatus.Ready).OrderBy(row => row.Number).ToListAsync(cancel);
        return [.. rows.Select(row => Body(row, before.TryGetValue(row.Id, out long bytes) ? bytes : null))];
    }

    public Task<bool> Has(string id, CancellationToken cancel) => db.HubDownloads.AnyAsync(row => row.Id == id, cancel);

    /// <returns>Null where nothing of that name came from the hub.</returns>
    public async Task<ModelBody?> Body(string id, CancellationToken cancel)
    {
        // As above.
        long? before = downloads.BytesOf(id);
        if (await db.HubDownloads.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is not { } row) return null;
        if (row.Status != HubStatus.Ready) return Body(row, before);
        // Asked after the download's row: that and the base's are written together.
        return await db.Models.AsNoTracking().FirstOrDefaultAsync(model => model.Id == id && model.TenantId == "", cancel) is { } entry
            ? Body(row) with { Created = entry.CreatedAt, Bytes = ModelsApi.Body(entry).Bytes } : null;
    }

    /// <summary>Ends a download and removes what has arrived, or the files of a base whose own row has been deleted.</summary>
    /// <returns>Whether there was one.</returns>
    public async Task<bool> Cancel(string id)
    {
        if (await db.HubDownloads.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is not { } row || !await store.Remove(id)) return false;
        await downloads.Forget(row);
        return true;
    }

    /// <param name="before">Its bytes as they were before the row was read, where it was under way then.</param>
    private ModelBody Body(HubDownload row, long? before = null)
    {
        long done = row.Status == HubStatus.Downloading && (downloads.BytesOf(row.Id) ?? before) is { } now ? now : row.BytesDone;
        return new(row.Id, "model", row.CreatedAt, "system", "base", null, done, row.Status, new HubBody(row.Repo, row.Revision, row.Commit, row.File))
        {
            BytesDone = done,
            BytesTotal = row.BytesTotal,
            Error = row.Error is null ? null : JsonSerializer.Deserialize<HubProblem>(row.Error, Json.Options),
        };
    }

    private static (string Message, string Param)? Problem(RegisterModelRequest body)
    {
        if (body.Folder is not null) return ("A base comes from a folder or from the hub; leave folder out.", "folder");
        if (body.Repo is null) return ("repo is missing: owner/name on the hub.", "repo");
        if (!HubFileName.IsRepo(body.Repo)) return ("repo must be owner/name, as the hub has it.", "repo");
        if (body.Revision is not null && !HubFileName.IsRevision(body.Revision)) return ("revision must be a branch, a tag or a commit.", "revision");
        if (body.File is not null && !HubFileName.IsGguf(body.File)) return ("file must be the path of a .gguf file in the repository; without file its safetensors are taken.", "file");
        return body.Token is { } token && (token.Length is 0 or > LongestToken || token.Any(c => c is <= ' ' or > '~')) ? ("token is not an access token of the hub.", "token") : null;
    }
}
