using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.Files;

/// <summary>OpenAI's file object.</summary>
public sealed record FileBody(string Id, string Object, long Bytes, long CreatedAt, string Filename, string Purpose, string Status, long? ExpiresAt = null);

/// <summary>Uploads, as OpenAI's /v1/files.</summary>
internal static class FilesApi
{
    private static readonly string[] Purposes = ["fine-tune", "batch", "evals", "user_data"];
    private static readonly Dictionary<string, Func<string, IResult?>> Fields = new()
    {
        ["purpose"] = CheckPurpose,
        ["expires_after[anchor]"] = anchor => anchor == ExpiresAfter.Created ? null : Errors.BadRequest($"expires_after.anchor is {ExpiresAfter.Created}.", param: "expires_after.anchor"),
        ["expires_after[seconds]"] = ExpiresAfter.CheckSeconds,
    };

    public static void MapFiles(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder files = app.MapGroup("/v1/files").WithTags("Files").Needs(Access.Tenant);
        files.MapPost("", Upload).WithSummary("Upload a file").DisableAntiforgery().TakesForm(FileExamples.Form).Answers(FileExamples.File);
        files.MapGet("", List).WithSummary("List files").Answers(FileExamples.Files);
        files.MapGet("/{id}", Get).WithSummary("Get a file's description").Answers(FileExamples.File);
        files.MapGet("/{id}/content", Content).WithSummary("Download a file").Produces<Stream>(contentType: "application/octet-stream");
        files.MapDelete("/{id}", Delete).WithSummary("Delete a file").Answers(FileExamples.Deleted);
    }

    private static async Task<IResult> Upload(
        HttpRequest request, CurrentTenant tenant, BlobStore blobs, FileStore files, DiskSpace disk, StoredBytes stored, IOptions<FineTuneOptions> options, CancellationToken cancel)
    {
        if (!MultipartForm.Is(request)) return Errors.Make(415, "Send multipart/form-data with the fields purpose and file.", "unsupported_media_type");
        disk.Require(Math.Min(request.ContentLength ?? 0, options.Value.MaxUploadBytes));
        (IncomingUpload? place, string? noRoom) = await stored.Expect(tenant.Id, request);
        if (noRoom is not null) return Errors.Make(413, noRoom, "storage_limit_exceeded", "file");
        using IncomingUpload coming = place!;
        using Phases.Under phase = Phases.Enter(Phase.Upload);
        using var form = new MultipartForm(request, blobs, coming, options.Value.MaxUploadBytes, Fields);
        if (await form.Read(cancel) is { } refusal) return refusal;
        if (form.File is not { } bytes) return Errors.BadRequest("Missing required parameter: 'file'.", "missing_required_parameter", "file");
        if (form["purpose"].Length == 0) return Errors.BadRequest("Missing required parameter: 'purpose'; datasets have purpose fine-tune.", "missing_required_parameter", "purpose");
        if (bytes.Bytes == 0) return Errors.BadRequest("The file is empty; nothing of it was kept.", "empty_file", "file");
        if (form["expires_after[anchor]"].Length > 0 != form["expires_after[seconds]"].Length > 0)
            return Errors.BadRequest("expires_after has both anchor and seconds.", "missing_required_parameter", "expires_after");
        // From here on the client's going away changes nothing: the bytes are here.
        (StoredFile? file, string? full) = await files.Add(bytes, tenant.Id, form.Filename, form["purpose"], ExpiresAfter.Number(form["expires_after[seconds]"]));
        return file is not null ? Results.Ok(Body(file)) : Errors.Make(413, full!, "storage_limit_exceeded", "file");
    }

    internal static IResult? CheckPurpose(string purpose) =>
        Purposes.Contains(purpose) ? null : Errors.BadRequest($"purpose must be one of {string.Join(", ", Purposes)}.", param: "purpose");

    private static Task<IResult> List([AsParameters] PageQuery query, string? purpose, FineTuneDbContext db) =>
        db.Files.AsNoTracking().Where(file => string.IsNullOrEmpty(purpose) || file.Purpose == purpose).PageOf(db, query, "file", Body, most: 10_000);

    private static async Task<IResult> Get(string id, FineTuneDbContext db) =>
        await db.Files.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is { } file ? Results.Ok(Body(file)) : Errors.NotFound("file", id);

    private static async Task<IResult> Content(string id, FineTuneDbContext db, FileStore files, CancellationToken cancel)
    {
        if (await db.Files.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is not { } file) return Errors.NotFound("file", id);
        return await files.Open(file, cancel) is { } bytes ? Results.Stream(bytes, "application/octet-stream", file.Filename) : Errors.NotFound("file", id);
    }

    private static async Task<IResult> Delete(string id, FileStore files) =>
        await files.Delete(id) ? Results.Ok(new Deleted(id, "file")) : Errors.NotFound("file", id);

    internal static FileBody Body(StoredFile file) => new(file.Id, "file", file.Bytes, file.CreatedAt, file.Filename, file.Purpose, "processed", file.ExpiresAt);
}
