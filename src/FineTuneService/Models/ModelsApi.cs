using FineTuneService.Adapters;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Models;

/// <summary>OpenAI's model object, and where a fine-tuned one came from.</summary>
/// <param name="Kind">base, adapter or merged.</param>
/// <param name="Bytes">Of its weights on disk.</param>
/// <param name="Parent">The base of an adapter; the adapter of a merged model.</param>
public sealed record ModelBody(string Id, string Object, long Created, string OwnedBy, string Kind, string? Parent, long Bytes);

public sealed record ModelList(IReadOnlyList<ModelBody> Data)
{
    public string Object => "list";
}

/// <summary>The body of POST /v1/models.</summary>
/// <param name="Id">The base's name on the wire: letters, digits, dots and dashes.</param>
/// <param name="Folder">A Hugging Face folder on the service's machine.</param>
public sealed record RegisterModelRequest(string Id, string Folder);

/// <summary>Every model that a tenant can name: bases, its adapters, its merged models.</summary>
internal static class ModelsApi
{
    public static void MapModels(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder models = app.MapGroup("/v1/models").WithTags("Models");
        models.MapGet("", List).Needs(Access.AnyKey).WithSummary("List models").Answers(ModelExamples.Models);
        models.MapGet("/{id}", Get).Needs(Access.AnyKey).WithSummary("Get a model").Answers(ModelExamples.Adapter);
        models.MapDelete("/{id}", Delete).Needs(Access.AnyKey).WithSummary("Delete a fine-tuned model (the admin: a base)").Answers(ModelExamples.Deleted);
        models.MapPost("", Register).Needs(Access.Admin).WithSummary("Register a base model from a local folder (admin)").Takes(ModelExamples.Register).Answers(ModelExamples.Registered);
    }

    private static async Task<IResult> List(FineTuneDbContext db, CancellationToken cancel)
    {
        List<ModelEntry> entries = await db.Models.AsNoTracking().OrderBy(row => row.Number).ToListAsync(cancel);
        List<AdapterEntry> adapters = await db.Adapters.AsNoTracking().OrderBy(row => row.Number).ToListAsync(cancel);
        return Results.Ok(new ModelList([.. entries.Select(Body), .. adapters.Select(Body)]));
    }

    private static async Task<IResult> Get(string id, FineTuneDbContext db, CancellationToken cancel)
    {
        if (await db.Models.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is { } entry) return Results.Ok(Body(entry));
        return await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Model == id, cancel) is { } adapter ? Results.Ok(Body(adapter)) : Errors.ModelNotFound(id);
    }

    private static async Task<IResult> Delete(string id, FineTuneDbContext db, CurrentTenant tenant, AdapterStore adapters, DeviceLease lease, ResidentModels resident)
    {
        if (await db.Adapters.FirstOrDefaultAsync(row => row.Model == id) is { } adapter)
        {
            await adapters.Delete(adapter);
            return Results.Ok(new Deleted(id, "model"));
        }
        if (await db.Models.FirstOrDefaultAsync(row => row.Id == id) is not { } entry) return Errors.ModelNotFound(id);
        bool isBase = entry.TenantId.Length == 0, isAdmin = tenant.Id.Length == 0;
        if (isBase && !isAdmin) return Errors.Make(403, $"'{id}' is a base model, which everybody uses; only the admin can delete it.", "base_model");
        if (isBase && await db.Adapters.IgnoreQueryFilters().AnyAsync(row => row.BaseModel == id))
            return Errors.Conflict($"Adapters were trained on '{id}'; delete them first.", "model_in_use");
        db.Models.Remove(entry);
        await db.SaveChangesAsync();
        await lease.Serve("forget", () =>
        {
            resident.Forget(entry.Folder);
            return true;
        });
        if (!isBase) DataDirectory.Remove(entry.Folder);
        return Results.Ok(new Deleted(id, "model"));
    }

    private static async Task<IResult> Register(RegisterModelRequest body, FineTuneDbContext db, DeviceLease lease, TimeProvider clock)
    {
        if (body.Id.Length is 0 or > 64 || body.Id.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_')))
            return Errors.BadRequest("id must be 1 to 64 letters, digits, dots, dashes and underscores.", param: "id");
        if (!Directory.Exists(body.Folder)) return Errors.BadRequest($"The folder '{body.Folder}' does not exist on the service's machine.", param: "folder");
        if (await db.Models.IgnoreQueryFilters().AnyAsync(row => row.Id == body.Id)) return Errors.Conflict($"The model '{body.Id}' exists already; choose another id.", "model_exists");
        string folder = Path.GetFullPath(body.Folder);
        try
        {
            // Loading it is the check: what cannot be loaded is refused now, not at the first request.
            await lease.Serve("check model", () =>
            {
                using BaseModel model = BaseModel.Load(folder, new BasePrecision(MachineDtype.Fastest));
                return model.Tokenizer.VocabularySize;
            });
        }
        catch (Exception refused) when (refused is ModelException or SafetensorsException or InvalidOperationException or FormatException)
        {
            return Errors.BadRequest($"The folder is not a model that can be served: {refused.Message}", "invalid_model", "folder");
        }
        var entry = new ModelEntry { Id = body.Id, TenantId = "", Folder = folder, CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds() };
        db.Models.Add(entry);
        await db.SaveChangesAsync();
        return Results.Ok(Body(entry));
    }

    internal static ModelBody Body(ModelEntry entry) => entry.TenantId.Length == 0
        ? new(entry.Id, "model", entry.CreatedAt, "system", "base", null, Size(entry.Folder))
        : new(entry.Id, "model", entry.CreatedAt, entry.TenantId, "merged", entry.AdapterId, Size(entry.Folder));

    private static ModelBody Body(AdapterEntry adapter) => new(adapter.Model, "model", adapter.CreatedAt, adapter.TenantId, "adapter", adapter.BaseModel, adapter.Bytes);

    private static long Size(string folder) =>
        Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFiles("*.safetensors").Sum(file => file.Length) : 0;
}
