using System.Text.Json;
using FineTuneService.Adapters;
using FineTuneService.Data;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Models;

/// <summary>What a model's name stands for.</summary>
/// <param name="Name">As the client wrote it.</param>
/// <param name="Folder">The base's, or merged model's, Hugging Face folder.</param>
/// <param name="Precision">What the folder is loaded in: an adapter is served on the precision that it was trained on.</param>
public sealed record ServedModel(string Name, string Folder, BasePrecision Precision, AdapterEntry? Adapter)
{
    /// <summary>The model's own name, where the client wrote an alias; what it wrote otherwise.</summary>
    public string Model { get; init; } = Name;
}

/// <summary>Finds models by name among what the current tenant may use: bases, its own adapters, its own merged models, and its
/// aliases of them.</summary>
public sealed class ModelCatalog(FineTuneDbContext db)
{
    /// <summary>The model, or null where this tenant has none of that name.</summary>
    /// <param name="adapterId">An adapter's id beside a base's name, as LoRAX has it.</param>
    public async Task<ServedModel?> Find(string name, string? adapterId, CancellationToken cancel)
    {
        if (await FindModel(name, adapterId, cancel) is { } served) return served;
        if (adapterId is not null) return null;
        // What it named when it was read may be moved away from, and deleted, before it is found.
        string? before = null;
        while (await db.Aliases.AsNoTracking().Where(row => row.Name == name).Select(row => row.Target).FirstOrDefaultAsync(cancel) is { } target && target != before)
        {
            if (await FindModel(target, null, cancel) is { } named) return named with { Name = name };
            before = target;
        }
        return null;
    }

    private async Task<ServedModel?> FindModel(string name, string? adapterId, CancellationToken cancel)
    {
        AdapterEntry? adapter = await db.Adapters.AsNoTracking()
            .FirstOrDefaultAsync(row => row.Model == (adapterId ?? name) || row.Id == (adapterId ?? name), cancel);
        if (adapterId is not null && adapter?.BaseModel != name) return null;
        string model = adapter?.BaseModel ?? name;
        ModelEntry? entry = await db.Models.AsNoTracking().FirstOrDefaultAsync(row => row.Id == model, cancel);
        if (entry is null) return null;
        BasePrecision precision = adapter is null
            ? PrecisionOf(entry.Folder) : JsonSerializer.Deserialize<BasePrecision>(adapter.Precision, Json.Options)!;
        return new ServedModel(name, entry.Folder, precision, adapter) { Model = adapterId is null && adapter is not null ? adapter.Model : name };
    }

    /// <summary>Why <see cref="Find"/> found nothing.</summary>
    public async Task<IResult> NotFound(string name, string? adapterId, CancellationToken cancel)
    {
        if (adapterId is null) return Errors.ModelNotFound(name);
        return await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Id == adapterId || row.Model == adapterId, cancel) is { } adapter
            ? Errors.Make(404, $"The adapter '{Errors.Clip(adapterId)}' is of the base '{adapter.BaseModel}'; give that as model, not '{Errors.Clip(name)}'.", "model_not_found", "model")
            : Errors.ModelNotFound(adapterId, "adapter_id");
    }

    /// <summary>Why <see cref="FindBase"/> found nothing.</summary>
    public async Task<IResult> NoBase(string name, CancellationToken cancel) => await Find(name, null, cancel) is null ? Errors.ModelNotFound(name)
        : Errors.Make(404, $"'{Errors.Clip(name)}' is a model, but no base, and this call needs one; GET /v1/fine_tuning/models lists them.", "model_not_found", "model");

    /// <summary>What a base is served in where nothing else is asked: as its file stores it, where that is GGUF.</summary>
    public static BasePrecision PrecisionOf(string folder) =>
        new(MachineDtype.Fastest, GgufPath.Of(folder) is null ? QuantizationType.None : QuantizationType.AsStored);

    /// <summary>A base by its name, or null. Its files are looked at, so that what would be begun with it cannot fail for them later.</summary>
    /// <exception cref="Engine.Formats.ModelException">Its folder is damaged.</exception>
    /// <exception cref="Engine.Formats.TensorFileException">A weights file of it is missing or damaged.</exception>
    public async Task<ModelEntry?> FindBase(string name, CancellationToken cancel)
    {
        ModelEntry? entry = await db.Models.AsNoTracking().FirstOrDefaultAsync(row => row.Id == name && row.TenantId == "", cancel);
        if (entry is not null) ModelText.RequireWhole(entry.Folder);
        return entry;
    }
}
