using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Receipts;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.Adapters;

/// <summary>Adapters of one base made into one: an adapter as any other, with the templates of the first.</summary>
internal static class AdapterCombining
{
    private static readonly string[] Templates = ["chat_template.jinja", "tokenizer_config.json", "prompt_template.json"];

    private static readonly Dictionary<string, CombinationType> Types = Enum.GetValues<CombinationType>().ToDictionary(type => type.ToString().ToLowerInvariant());

    public static void MapCombine(this IEndpointRouteBuilder adapters) => adapters.MapPost("/combine", Combine)
        .WithSummary("Make one adapter of several (linear, cat, svd), with the templates of the first").Takes(AdapterExamples.Combine).Answers(AdapterExamples.Combined);

    private static async Task<IResult> Combine(
        CombineRequest body, FineTuneDbContext db, CurrentTenant tenant, ModelCatalog catalog, AdapterStore store, DataDirectory directory, ModelTexts texts,
        DeviceLease lease, DiskSpace disk, StoredBytes stored, AdapterView view, IOptions<FineTuneOptions> options, CancellationToken cancel)
    {
        if (Refusal(body) is { } wrong) return wrong;
        (IReadOnlyList<AdapterEntry> rows, IResult? missing) = await Find(body.Adapters, db, cancel);
        if (missing is not null) return missing;
        string baseModel = rows[0].BaseModel;
        if (await catalog.FindBase(baseModel, cancel) is not { } entry) return Errors.ModelNotFound(baseModel);
        ModelConfig model = (await Task.Run(() => texts.Of(entry.Folder), cancel)).Config;
        CombinationType type = Types[body.CombinationType];
        WeightedAdapter[] parts = [.. rows.Zip(body.Adapters, (row, asked) => new WeightedAdapter(row.Id, row.Folder, asked.Weight))];
        string folder = directory.NewTemporaryFolder();
        try
        {
            long bytes = await Task.Run(() => Adapter.CombinedBytes(model, parts, type, body.SvdRank), cancel);
            if (bytes > options.Value.MaxUploadBytes)
                return Errors.BadRequest($"The combination would have {bytes} bytes, and an adapter may have {options.Value.MaxUploadBytes} (FineTune:MaxUploadBytes). Use svd with a smaller svd_rank.", param: "svd_rank");
            disk.Require(bytes);
            if (await stored.Refusal(tenant.Id, bytes) is { } tooMuch) return Errors.Make(413, tooMuch, "storage_limit_exceeded");
            var lineage = new CombinationLineage(body.CombinationType, await Task.Run(() => From(rows, body.Adapters), cancel), body.SvdRank);
            await lease.Serve("a combination", () =>
            {
                using Adapter combined = Adapter.Combine(model, parts, type, body.SvdRank, lease.Breathe);
                PeftFolder.Save(combined, folder, baseModel);
                return true;
            }, cancel, tenant.Id);
            foreach (string name in Templates.Where(name => File.Exists(Path.Combine(rows[0].Folder, name)))) File.Copy(Path.Combine(rows[0].Folder, name), Path.Combine(folder, name));
            BasePrecision precision = rows.Select(row => row.Precision).Distinct().Count() == 1
                ? JsonSerializer.Deserialize<BasePrecision>(rows[0].Precision, Json.Options)! : ModelCatalog.PrecisionOf(entry.Folder);
            return await store.Save(folder, tenant.Id, baseModel, precision, body.Suffix, lineage) is { } saved ? Results.Ok(view.Body(saved)) : Errors.ModelNotFound(baseModel);
        }
        catch (Exception refused) when (refused is AdapterException or TensorFileException)
        {
            return Errors.BadRequest($"The adapters cannot be combined: {refused.Message.TrimEnd('.')}.", "cannot_combine", "adapters");
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
        {
            return Errors.Make(404, "One of the adapters was deleted meanwhile.", "not_found", "adapters");
        }
        finally
        {
            if (Directory.Exists(folder)) Durable.Remove(folder);
        }
    }

    private static IResult? Refusal(CombineRequest body)
    {
        if (body.Suffix is { } suffix && !Ids.IsSuffix(suffix)) return Errors.BadRequest(Ids.SuffixRule + ".", param: "suffix");
        if (!Types.TryGetValue(body.CombinationType, out CombinationType type))
            return Errors.BadRequest($"There is no combination_type '{Errors.Clip(body.CombinationType)}'; use {string.Join(", ", Types.Keys)}.", param: "combination_type");
        if (type != CombinationType.Svd && body.SvdRank is not null) return Errors.BadRequest($"svd_rank says nothing to {body.CombinationType}; leave it out, or use svd.", param: "svd_rank");
        if (body.SvdRank is < 1 or > LoraConfig.LargestRank) return Errors.BadRequest($"svd_rank must be 1 to {LoraConfig.LargestRank}.", param: "svd_rank");
        if (body.Adapters.Count is < 1 or > WeightedAdapter.Most || body.Adapters.Contains(null!)) return Errors.BadRequest($"adapters must hold 1 to {WeightedAdapter.Most} objects of id and weight.", param: "adapters");
        int heavy = body.Adapters.ToList().FindIndex(adapter => Math.Abs(adapter.Weight) > WeightedAdapter.LargestWeight);
        return heavy < 0 ? null : Errors.BadRequest($"weight must be -{WeightedAdapter.LargestWeight} to {WeightedAdapter.LargestWeight}.", param: $"adapters[{heavy}].weight");
    }

    /// <summary>The adapters' rows in the order asked for; all are the tenant's own, and of one base.</summary>
    private static async Task<(IReadOnlyList<AdapterEntry> Rows, IResult? Refusal)> Find(IReadOnlyList<CombinedAdapterBody> asked, FineTuneDbContext db, CancellationToken cancel)
    {
        var rows = new List<AdapterEntry>();
        foreach ((int i, CombinedAdapterBody part) in asked.Index())
        {
            string id = await db.Checkpoints.AsNoTracking().Where(row => row.Id == part.Id).Select(row => row.AdapterId).FirstOrDefaultAsync(cancel) ?? part.Id;
            if (await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id || row.Model == id, cancel) is not { } row)
                return ([], Errors.Make(404, $"There is no adapter '{Errors.Clip(part.Id)}' of yours. GET /v1/adapters lists what there is.", "not_found", $"adapters[{i}].id"));
            if (rows.Count > 0 && row.BaseModel != rows[0].BaseModel)
                return ([], Errors.BadRequest($"'{Errors.Clip(part.Id)}' is of '{row.BaseModel}', and the first adapter of '{rows[0].BaseModel}'; adapters of one base can be combined.", param: $"adapters[{i}].id"));
            rows.Add(row);
        }
        return (rows, null);
    }

    private static IReadOnlyList<CombinedFrom> From(IReadOnlyList<AdapterEntry> rows, IReadOnlyList<CombinedAdapterBody> asked) =>
        [.. rows.Zip(asked, (row, part) => new CombinedFrom(row.Id, row.Model, part.Weight, ReceiptBytes.OfFile(Path.Combine(row.Folder, PeftFolder.WeightsFile))))];
}
