using FineTuneService.Adapters;
using FineTuneService.Aliases;
using FineTuneService.Data;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using FineTuneService.Hub;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Models;

/// <summary>OpenAI's model object, and where a fine-tuned one came from.</summary>
/// <param name="Kind">base, adapter, checkpoint, merged or alias.</param>
/// <param name="Bytes">Of its weights on disk; an alias has none of its own.</param>
/// <param name="Parent">The base of an adapter; the adapter of a merged model; the model that an alias names.</param>
/// <param name="Status">ready; of a base from the hub also downloading and failed.</param>
/// <param name="Hub">Of a base from the hub.</param>
public sealed record ModelBody(string Id, string Object, long Created, string OwnedBy, string Kind, string? Parent, long Bytes, string Status = HubStatus.Ready, HubBody? Hub = null)
{
    /// <summary>Of a download, bytes that have arrived.</summary>
    public long? BytesDone { get; init; }

    /// <summary>Of a download, once the files are known.</summary>
    public long? BytesTotal { get; init; }

    /// <summary>Why a download failed, and what to do.</summary>
    public HubProblem? Error { get; init; }
}

public sealed record ModelList(IReadOnlyList<ModelBody> Data)
{
    public string Object => "list";
}

/// <summary>The body of POST /v1/models: a folder of the service's machine, or a repository of the hub.</summary>
public sealed record RegisterModelRequest
{
    /// <summary>The base's name on the wire: 1 to 64 letters, digits, dots, dashes and underscores. From the hub: the repository's name unless given.</summary>
    public string? Id { get; init; }

    /// <summary>folder (unless given) or hub.</summary>
    public string? Source { get; init; }

    /// <summary>A Hugging Face folder, or a GGUF file, on the service's machine.</summary>
    public string? Folder { get; init; }

    /// <summary>owner/name on the hub.</summary>
    public string? Repo { get; init; }

    /// <summary>Branch, tag or commit; main unless given.</summary>
    public string? Revision { get; init; }

    /// <summary>Access token for a gated or private repository; FineTune:Hub:Token unless given. It is forgotten once the download has ended.</summary>
    public string? Token { get; init; }

    /// <summary>Path of a GGUF file in the repository, instead of its safetensors.</summary>
    public string? File { get; init; }
}

/// <summary>Every model that a tenant can name: bases, its adapters, its merged models, and its aliases, as a client that offers a choice reads this list.</summary>
internal static class ModelsApi
{
    public static void MapModels(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder models = app.MapGroup("/v1/models").WithTags("Models");
        models.MapGet("", List).Needs(Access.AnyKey).WithSummary("List models").Answers(ModelExamples.Models);
        models.MapGet("/{id}", Get).Needs(Access.AnyKey).WithSummary("Get a model").Answers(ModelExamples.Adapter);
        models.MapGet("/{id}/content", ModelContent.Download).Needs(Access.Tenant).WithSummary("Download a merged model as a zip of its Hugging Face folder").Produces<Stream>(contentType: "application/zip");
        models.MapDelete("/{id}", Delete).Needs(Access.AnyKey).WithSummary("Delete a fine-tuned model (the admin: a base)").Answers(ModelExamples.Deleted);
        models.MapPost("", Register).Needs(Access.Admin).WithSummary("Register a base model from a local folder, a GGUF file or the hub (admin)").Takes(ModelExamples.FromHub).Answers(ModelExamples.Downloading);
    }

    private static async Task<IResult> List(FineTuneDbContext db, CurrentTenant tenant, HubModels hub, CancellationToken cancel)
    {
        List<ModelEntry> entries = await db.Models.AsNoTracking().OrderBy(row => row.Number).ToListAsync(cancel);
        List<AdapterEntry> adapters = await db.Adapters.AsNoTracking().OrderBy(row => row.Number).ToListAsync(cancel);
        List<Alias> aliases = await db.Aliases.AsNoTracking().OrderBy(row => row.Number).ToListAsync(cancel);
        // What is on its way is the admin's to see: nobody can use it yet.
        IReadOnlyList<ModelBody> coming = tenant.Id.Length == 0 ? await hub.Coming(cancel) : [];
        return Results.Ok(new ModelList([.. entries.Select(Body), .. adapters.Select(Body), .. aliases.Select(Body), .. coming]));
    }

    private static async Task<IResult> Get(string id, FineTuneDbContext db, HubModels hub, CancellationToken cancel)
    {
        if (await hub.Body(id, cancel) is { } fromHub) return Results.Ok(fromHub);
        if (await db.Models.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is { } entry) return Results.Ok(Body(entry));
        if (await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Model == id, cancel) is { } adapter) return Results.Ok(Body(adapter));
        return await db.Aliases.AsNoTracking().FirstOrDefaultAsync(row => row.Name == id, cancel) is { } alias ? Results.Ok(Body(alias)) : Errors.ModelNotFound(id);
    }

    private static async Task<IResult> Delete(string id, FineTuneDbContext db, CurrentTenant tenant, AdapterStore adapters, ModelStore models, HubModels hub)
    {
        if (await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Model == id) is { } adapter)
            return Answer(id, await adapters.Delete(adapter));
        if (await db.Models.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is not { } entry)
        {
            if (tenant.Id.Length == 0 && await hub.Cancel(id)) return Results.Ok(new Deleted(id, "model"));
            return await db.Aliases.AnyAsync(row => row.Name == id) ? Errors.Conflict($"'{id}' is an alias; DELETE /v1/aliases/{id} deletes it.", "model_alias") : Errors.ModelNotFound(id);
        }
        bool isBase = entry.TenantId.Length == 0, isAdmin = tenant.Id.Length == 0;
        if (isBase && !isAdmin) return Errors.Make(403, $"'{id}' is a base model, which everybody uses; only the admin can delete it.", "base_model");
        (bool Deleted, string? InUse) gone = await models.Delete(entry);
        if (gone.Deleted && isBase) await hub.Cancel(id);
        return Answer(id, gone);
    }

    private static IResult Answer(string id, (bool Deleted, string? InUse) gone) =>
        gone.InUse is { } user ? Errors.Conflict(user, "model_in_use") : gone.Deleted ? Results.Ok(new Deleted(id, "model")) : Errors.ModelNotFound(id);

    private static async Task<IResult> Register(RegisterModelRequest body, FineTuneDbContext db, ModelStore models, HubModels hub, CancellationToken cancel)
    {
        if (body.Source is not (null or "folder" or "hub")) return Errors.BadRequest("source must be folder or hub.", param: "source");
        if (body.Source == "hub") return await hub.Register(body);
        if (HubModels.Fields(body) is { } field) return Errors.BadRequest($"{field} is for a base from the hub; send \"source\": \"hub\" with it.", param: field);
        if (body.Id is not { } id) return Errors.BadRequest("id is missing: the base's name.", "missing_required_parameter", "id");
        if (body.Folder is null) return Errors.BadRequest("folder is missing: a Hugging Face folder or GGUF file on the service's machine; or send \"source\": \"hub\" and repo.", "missing_required_parameter", "folder");
        if (!Ids.IsSuffix(id)) return Errors.BadRequest(HubModels.IdRule, param: "id");
        if (!Directory.Exists(body.Folder) && !File.Exists(body.Folder)) return Errors.BadRequest($"The folder or GGUF file '{body.Folder}' does not exist on the service's machine.", param: "folder");
        if (await db.Models.IgnoreQueryFilters().AnyAsync(row => row.Id == id, cancel) || await hub.Has(id, cancel)) return Exists(id);
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(body.Folder));
        try
        {
            // All of it but the loading: what cannot be served is refused now, not at the first request, and nothing of it is kept.
            await Task.Run(() => Check(folder), cancel);
        }
        catch (Exception refused) when (refused is ModelException or TensorFileException)
        {
            return Errors.BadRequest($"The folder is not a model that can be served: {refused.Message}", "invalid_model", "folder");
        }
        return await models.Add(id, folder) is { } entry ? Results.Ok(Body(entry)) : Exists(id);
    }

    private static void Check(string folder)
    {
        ModelText text = ModelText.Load(folder);
        text.RequireTokenizer();
        text.CheckWeights();
    }

    internal static IResult Exists(string id) => Errors.Conflict($"The model '{id}' exists already, or is a tenant's alias; choose another id.", "model_exists");

    internal static ModelBody Body(ModelEntry entry) => entry.TenantId.Length == 0
        ? new(entry.Id, "model", entry.CreatedAt, "system", "base", null, Size(entry.Folder))
        : new(entry.Id, "model", entry.CreatedAt, entry.TenantId, "merged", entry.AdapterId, Size(entry.Folder));

    private static ModelBody Body(AdapterEntry adapter) => new(adapter.Model, "model", adapter.CreatedAt, adapter.TenantId, adapter.IsCheckpoint ? "checkpoint" : "adapter", adapter.BaseModel, adapter.Bytes);

    private static ModelBody Body(Alias alias) => new(alias.Name, "model", alias.CreatedAt, alias.TenantId, "alias", alias.Target, 0);

    private static long Size(string folder)
    {
        try
        {
            return ModelText.WeightBytes(folder);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return 0; // Deleted while the list was made, or a folder of the operator's that is no longer there.
        }
    }
}
