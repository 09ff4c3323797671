using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.Files;

/// <summary>OpenAI's file object.</summary>
public sealed record FileBody(string Id, string Object, long Bytes, long CreatedAt, string Filename, string Purpose, string Status);

/// <summary>Uploads, as OpenAI's /v1/files.</summary>
internal static class FilesApi
{
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
        HttpRequest request, FineTuneDbContext db, CurrentTenant tenant, BlobStore blobs, IOptions<FineTuneOptions> options, TimeProvider clock, CancellationToken cancel)
    {
        if (!MultipartUpload.Is(request)) return Errors.Make(415, "Send multipart/form-data with the fields purpose and file.", "unsupported_media_type");
        var upload = new MultipartUpload(request, tenant.Id, blobs, options.Value.MaxUploadBytes);
        StoredFile? file = null;
        try
        {
            if (await upload.Read(cancel) is { } refusal) return refusal;
            file = new StoredFile
            {
                Id = Ids.New("file"),
                TenantId = tenant.Id,
                Filename = upload.Filename!,
                Purpose = upload.Purpose!,
                Bytes = upload.Bytes,
                Sha256 = upload.Sha256!,
                CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(),
            };
            db.Files.Add(file);
            await db.SaveChangesAsync(CancellationToken.None); // The bytes are here: the client's going away changes nothing.
            return Results.Ok(Body(file));
        }
        finally
        {
            if (file is null && upload.Sha256 is { } orphan) await DeleteUnlessUsed(orphan, tenant.Id, db, blobs);
        }
    }

    private static Task<IResult> List([AsParameters] PageQuery query, string? purpose, FineTuneDbContext db) =>
        db.Files.AsNoTracking().Where(file => purpose == null || file.Purpose == purpose).PageOf(db, query, "file", Body);

    private static async Task<IResult> Get(string id, FineTuneDbContext db) =>
        await db.Files.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is { } file ? Results.Ok(Body(file)) : Errors.NotFound("file", id);

    private static async Task<IResult> Content(string id, FineTuneDbContext db, BlobStore blobs) =>
        await db.Files.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is { } file
            ? Results.Stream(blobs.Open(file.TenantId, file.Sha256), "application/octet-stream", file.Filename) : Errors.NotFound("file", id);

    private static async Task<IResult> Delete(string id, FineTuneDbContext db, BlobStore blobs)
    {
        if (await db.Files.FirstOrDefaultAsync(row => row.Id == id) is not { } file) return Errors.NotFound("file", id);
        db.Files.Remove(file);
        await db.SaveChangesAsync();
        await DeleteUnlessUsed(file.Sha256, file.TenantId, db, blobs);
        return Results.Ok(new Deleted(id, "file"));
    }

    /// <summary>The same bytes may have been uploaded twice.</summary>
    private static async Task DeleteUnlessUsed(string sha256, string tenant, FineTuneDbContext db, BlobStore blobs)
    {
        if (!await db.Files.AnyAsync(file => file.Sha256 == sha256)) blobs.Delete(tenant, sha256);
    }

    private static FileBody Body(StoredFile file) => new(file.Id, "file", file.Bytes, file.CreatedAt, file.Filename, file.Purpose, "processed");
}
