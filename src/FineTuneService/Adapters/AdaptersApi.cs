using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Files;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Receipts;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.Adapters;

/// <summary>An adapter: its name as a model, and where it came from.</summary>
/// <param name="Residency">device: it is loaded. host: its file is in the host's memory, and loading it waits for no disk. disk: it is neither.</param>
/// <param name="Pinned">It stays loaded.</param>
/// <param name="LastUsedAt">Unix seconds of its last answer or evaluation; absent where there was none.</param>
/// <param name="Alpha">Absent where an earlier version of the service took a number that is none.</param>
public sealed record AdapterBody(
    string Id, string Object, long CreatedAt, string Model, string BaseModel, BasePrecision Precision, long Bytes, int Rank, double? Alpha, AdapterLineage Lineage,
    string Residency, bool Pinned, long? LastUsedAt);

/// <summary>The job, file and step that made it, or the adapters that it was combined of; absent where it was uploaded.</summary>
public sealed record AdapterLineage(string? Job, string? TrainingFile, int? Step, CombinationLineage? Combination = null);

/// <summary>A tenant's adapters.</summary>
internal static class AdaptersApi
{
    private static readonly Dictionary<string, Func<string, IResult?>> Fields = new()
    {
        ["model"] = _ => null,
        ["suffix"] = suffix => suffix.Length == 0 || Ids.IsSuffix(suffix) ? null : Errors.BadRequest(Ids.SuffixRule + ".", param: "suffix"),
    };

    public static void MapAdapters(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder adapters = app.MapGroup("/v1/adapters").WithTags("Adapters").Needs(Access.Tenant);
        adapters.MapGet("", List).WithSummary("List adapters").Answers(AdapterExamples.Adapters);
        adapters.MapGet("/{id}", Get).WithSummary("Get an adapter").Answers(AdapterExamples.Adapter);
        adapters.MapPost("", Upload).WithSummary("Upload an adapter").DisableAntiforgery().TakesForm(AdapterExamples.Form).Answers(AdapterExamples.Adapter);
        adapters.MapGet("/{id}/content", Content).WithSummary("Download an adapter as a zip of PEFT's files").Produces<Stream>(contentType: "application/zip");
        adapters.MapDelete("/{id}", Delete).WithSummary("Delete an adapter").Answers(AdapterExamples.Deleted);
        adapters.MapMerge();
        adapters.MapCombine();
    }

    private static Task<IResult> List([AsParameters] PageQuery query, FineTuneDbContext db, AdapterView view) =>
        db.Adapters.AsNoTracking().Where(row => !row.IsCheckpoint).PageOf(db, query, "adapter", view.Body);

    private static async Task<IResult> Get(string id, FineTuneDbContext db, AdapterView view) =>
        await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is { } adapter ? Results.Ok(view.Body(adapter)) : Errors.NotFound("adapter", id);

    private static async Task<IResult> Upload(
        HttpRequest request, FineTuneDbContext db, CurrentTenant tenant, ModelCatalog catalog, AdapterStore store, DataDirectory directory, ModelTexts texts,
        BlobStore blobs, DiskSpace disk, StoredBytes stored, AdapterView view, IOptions<FineTuneOptions> options, CancellationToken cancel)
    {
        if (!MultipartForm.Is(request)) return Errors.Make(415, "Send multipart/form-data with the fields model, suffix and file.", "unsupported_media_type");
        disk.Require(Math.Min(request.ContentLength ?? 0, options.Value.MaxUploadBytes));
        (IncomingUpload? place, string? noRoom) = await stored.Expect(tenant.Id, request);
        if (noRoom is not null) return Errors.Make(413, noRoom, "storage_limit_exceeded", "file");
        using IncomingUpload coming = place!;
        using var form = new MultipartForm(request, blobs, coming, options.Value.MaxUploadBytes, Fields);
        if (await form.Read(cancel) is { } malformed) return malformed;
        if (form["model"] is not { Length: > 0 } baseModel) return Errors.BadRequest("Missing required parameter: 'model', the base's name.", "missing_required_parameter", "model");
        if (form.File is not { } file) return Errors.BadRequest("Missing required parameter: 'file', a zip of PEFT's files.", "missing_required_parameter", "file");
        string? suffix = form["suffix"] is { Length: > 0 } given ? given : null;
        if (await catalog.FindBase(baseModel, cancel) is not { } entry) return await catalog.NoBase(baseModel, cancel);
        BasePrecision precision = ModelCatalog.PrecisionOf(entry.Folder);
        ModelText text = await Task.Run(() => texts.Of(entry.Folder), cancel);
        string folder = directory.NewTemporaryFolder();
        try
        {
            await using (Stream zip = File.OpenRead(file.Path)) AdapterZip.Unpack(zip, folder, options.Value.MaxUploadBytes, disk.Require);
            if (await stored.Refusal(tenant.Id, StoredBytes.InFolder(folder)) is { } tooMuch) return Errors.Make(413, tooMuch, "storage_limit_exceeded", "file");
            AdapterText.Load(folder, text);
            Adapter.Check(folder, text.Config);
            if (File.Exists(Path.Combine(folder, Receipt.FileName)) && ReceiptCheck.Folder(folder).Faults is [var fault, ..])
                return Errors.BadRequest($"The adapter does not fit the receipt that it brings: {fault}. Send it without {Receipt.FileName}, or as it was downloaded.", "invalid_adapter", "file");
            return await store.Save(folder, tenant.Id, baseModel, precision, suffix) is { } adapter ? Results.Ok(view.Body(adapter)) : Errors.ModelNotFound(baseModel);
        }
        catch (Exception refused) when (refused is InvalidDataException or AdapterException or TensorFileException or ChatTemplateException)
        {
            return Errors.BadRequest($"The adapter cannot be used: {refused.Message}", "invalid_adapter", "file");
        }
        finally
        {
            if (Directory.Exists(folder)) Durable.Remove(folder);
        }
    }

    private static async Task<IResult> Content(string id, FineTuneDbContext db, DataDirectory directory, CancellationToken cancel)
    {
        if (await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is not { } adapter) return Errors.NotFound("adapter", id);
        if (AdapterZip.Missing(adapter.Folder) is { } missing)
        {
            return await db.Adapters.AnyAsync(row => row.Id == id, cancel)
                ? Errors.Make(503, $"The adapter's {missing} is missing on the service's disk; its operator must restore it.", "model_damaged") : Errors.NotFound("adapter", id);
        }
        // A file, not memory: adapters may have as many bytes as an upload. It goes with the stream.
        var zip = new FileStream(Path.Combine(directory.Temporary, $"{Guid.NewGuid():n}.zip"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 81920, FileOptions.DeleteOnClose);
        try
        {
            AdapterZip.Pack(adapter.Folder, zip);
            zip.Position = 0;
            return Results.Stream(zip, "application/zip", $"{id}.zip");
        }
        catch (Exception failure)
        {
            zip.Dispose();
            if (failure is FileNotFoundException or DirectoryNotFoundException) return Errors.NotFound("adapter", id); // Deleted meanwhile.
            throw;
        }
    }

    private static async Task<IResult> Delete(string id, FineTuneDbContext db, AdapterStore store)
    {
        if (await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is not { } adapter) return Errors.NotFound("adapter", id);
        (bool deleted, string? inUse) = await store.Delete(adapter);
        return inUse is not null ? Errors.Conflict(inUse, "model_in_use") : deleted ? Results.Ok(new Deleted(id, "adapter")) : Errors.NotFound("adapter", id);
    }
}
