using FineTuneService.Data;
using FineTuneService.Files;
using FineTuneService.Hosting;
using FineTuneService.Operators;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.Uploads;

/// <summary>Files in parts, as OpenAI's /v1/uploads.</summary>
internal static class UploadsApi
{
    /// <summary>OpenAI's bound of a part.</summary>
    private const long LongestPart = 64L << 20;
    private const long SecondsToLive = 3600;
    private const int LongestName = 255, MostUploads = 100;

    public static void MapUploads(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder uploads = app.MapGroup("/v1/uploads").WithTags("Uploads").Needs(Access.Tenant);
        uploads.MapPost("", Create).WithSummary("Begin a file in parts").Takes(UploadExamples.Create).Answers(UploadExamples.Pending);
        uploads.MapPost("/{id}/parts", AddPart).WithSummary("Add a part").DisableAntiforgery().TakesForm(UploadExamples.Form).Answers(UploadExamples.Part);
        uploads.MapPost("/{id}/complete", Complete).WithSummary("Make a file of the parts, in the order given").Takes(UploadExamples.Complete).Answers(UploadExamples.Completed);
        uploads.MapPost("/{id}/cancel", Cancel).WithSummary("Give an upload up; nothing of it stays").Answers(UploadExamples.Cancelled).TakenWhileDrained();
    }

    private static async Task<IResult> Create(CreateUploadRequest body, CurrentTenant tenant, FineTuneDbContext db, DiskSpace disk, IOptions<FineTuneOptions> options, TimeProvider clock)
    {
        if (FilesApi.CheckPurpose(body.Purpose) is { } odd) return odd;
        if (body.Filename.Length is 0 or > LongestName || body.Filename.Any(char.IsControl)) return Errors.BadRequest($"filename is 1 to {LongestName} characters.", param: "filename");
        if (body.MimeType.Length is 0 or > LongestName) return Errors.BadRequest($"mime_type is 1 to {LongestName} characters.", param: "mime_type");
        if (body.Bytes < 1 || body.Bytes > options.Value.MaxUploadBytes)
            return Errors.BadRequest($"bytes must be 1 to {options.Value.MaxUploadBytes} (FineTune:MaxUploadBytes).", param: "bytes");
        if (body.ExpiresAfter?.Check("expires_after") is { } wrong) return wrong;
        disk.Require(body.Bytes);
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        var upload = new Upload
        {
            Id = Ids.New("upload"),
            TenantId = tenant.Id,
            Filename = body.Filename,
            Purpose = body.Purpose,
            MimeType = body.MimeType,
            Bytes = body.Bytes,
            Status = Upload.Pending,
            CreatedAt = now,
            ExpiresAt = now + SecondsToLive,
            FileExpiresAfter = body.ExpiresAfter?.Seconds,
        };
        bool added = await db.InTransaction(async () =>
        {
            if (await db.Uploads.CountAsync(row => row.Status == Upload.Pending) >= MostUploads) return false;
            db.Uploads.Add(upload);
            await db.SaveChangesAsync();
            return true;
        });
        return added ? Results.Ok(Body(upload)) : Errors.Make(429, $"You have {MostUploads} uploads that have not ended; complete or cancel one.", "too_many_uploads");
    }

    private static async Task<IResult> AddPart(
        string id, HttpRequest request, CurrentTenant tenant, FineTuneDbContext db, BlobStore blobs, FileStore files, DiskSpace disk, StoredBytes stored, TimeProvider clock, CancellationToken cancel)
    {
        if (!MultipartForm.Is(request)) return Errors.Make(415, "Send multipart/form-data with the field data.", "unsupported_media_type");
        if (await Find(id, db) is not { } upload) return Errors.NotFound("upload", id);
        if (NotPending(upload, clock) is { } ended) return ended;
        disk.Require(Math.Min(request.ContentLength ?? 0, LongestPart));
        (IncomingUpload? place, string? noRoom) = await stored.Expect(tenant.Id, request);
        if (noRoom is not null) return Errors.Make(413, noRoom, "storage_limit_exceeded", "data");
        using IncomingUpload coming = place!;
        using Phases.Under phase = Phases.Enter(Phase.Upload);
        using var form = new MultipartForm(request, blobs, coming, LongestPart, new Dictionary<string, Func<string, IResult?>>(), "data");
        if (await form.Read(cancel) is { } refusal) return refusal;
        if (form.File is { Bytes: 0 }) return Errors.BadRequest("The part is empty; send some bytes of the file.", "empty_file", "data");
        if (form.File is not { } bytes) return Errors.BadRequest("Missing required parameter: 'data', the part's bytes.", "missing_required_parameter", "data");
        IResult? late = null;
        (UploadPart? part, string? full) = await files.Keep(bytes, tenant.Id, () =>
        {
            // In the transaction: it may have been completed, or given up, meanwhile.
            Upload now = db.Uploads.AsNoTracking().First(row => row.Id == id);
            long there = db.UploadParts.Where(row => row.UploadId == id).Sum(row => row.Bytes);
            late = NotPending(now, clock) ?? (there + bytes.Bytes > now.Bytes
                ? Errors.BadRequest($"The parts would have {there + bytes.Bytes} bytes, and the upload was begun with {now.Bytes}.", param: "data") : null);
            return late is not null ? null : db.UploadParts.Add(new UploadPart
            {
                Id = Ids.New("part"),
                TenantId = tenant.Id,
                UploadId = id,
                Sha256 = bytes.Sha256,
                Bytes = bytes.Bytes,
                CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(),
            }).Entity;
        });
        if (part is not null) return Results.Ok(new UploadPartBody(part.Id, "upload.part", part.CreatedAt, id));
        return late ?? Errors.Make(413, full!, "storage_limit_exceeded", "data");
    }

    private static async Task<IResult> Complete(string id, CompleteUploadRequest body, FineTuneDbContext db, UploadParts parts, TimeProvider clock, CancellationToken cancel)
    {
        if (await Find(id, db) is not { } upload) return Errors.NotFound("upload", id);
        if (NotPending(upload, clock) is { } ended) return ended;
        Dictionary<string, UploadPart> known = await db.UploadParts.AsNoTracking().Where(row => row.UploadId == id).ToDictionaryAsync(row => row.Id, cancel);
        if (body.PartIds.Count == 0 || body.PartIds.Distinct().Count() < body.PartIds.Count) return Errors.BadRequest("part_ids names each part once, and at least one.", param: "part_ids");
        if (body.PartIds.FirstOrDefault(part => part is null || !known.ContainsKey(part)) is { } strange) return Errors.BadRequest($"'{Errors.Clip(strange)}' is no part of this upload.", param: "part_ids");
        UploadPart[] ordered = [.. body.PartIds.Select(part => known[part])];
        long bytes = ordered.Sum(part => part.Bytes);
        if (bytes != upload.Bytes) return Errors.BadRequest($"The parts have {bytes} bytes, and the upload was begun with {upload.Bytes}.", param: "part_ids");
        (StoredFile? file, IResult? refusal) = await parts.Join(upload, ordered, body.Md5, cancel);
        return refusal ?? Results.Ok(Body(upload with { Status = Upload.Completed }, file));
    }

    private static async Task<IResult> Cancel(string id, FineTuneDbContext db, UploadParts parts, TimeProvider clock)
    {
        if (await Find(id, db) is not { } upload) return Errors.NotFound("upload", id);
        if (NotPending(upload, clock) is { } ended) return ended;
        return await parts.GiveUp(upload, Upload.Cancelled) ? Results.Ok(Body(upload with { Status = Upload.Cancelled })) : Errors.Conflict("The upload has ended meanwhile.", "upload_ended");
    }

    private static Task<Upload?> Find(string id, FineTuneDbContext db) => db.Uploads.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id);

    private static IResult? NotPending(Upload upload, TimeProvider clock) => upload.Status != Upload.Pending
        ? Errors.Conflict($"The upload is {upload.Status}; begin another.", "upload_ended")
        : upload.ExpiresAt <= clock.GetUtcNow().ToUnixTimeSeconds() ? Errors.Conflict("The upload has expired; begin another.", "upload_ended") : null;

    private static UploadBody Body(Upload upload, StoredFile? file = null) => new(
        upload.Id, "upload", upload.Bytes, upload.CreatedAt, upload.Filename, upload.Purpose, upload.Status, upload.ExpiresAt, file is null ? null : FilesApi.Body(file));
}
