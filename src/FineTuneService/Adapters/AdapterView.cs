using System.Text.Json;
using FineTuneService.Device;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using FineTuneService.Usage;

namespace FineTuneService.Adapters;

/// <summary>An adapter as its tenant sees it: what its row says, and where it is now.</summary>
internal sealed class AdapterView(ResidentModels resident, UsageMeter meter)
{
    public AdapterBody Body(AdapterEntry row) => new(
        row.Id, "adapter", row.CreatedAt, row.Model, row.BaseModel, JsonSerializer.Deserialize<BasePrecision>(row.Precision, Json.Options)!, row.Bytes, row.Rank,
        double.IsFinite(row.Alpha) ? row.Alpha : null, Lineage(row), Residency(row), row.PinnedAt is not null, meter.LastUsed(row.Id) ?? row.LastUsedAt);

    private static AdapterLineage Lineage(AdapterEntry row) =>
        new(row.JobId, row.TrainingFile, row.Step, row.Combination is null ? null : JsonSerializer.Deserialize<CombinationLineage>(row.Combination, Json.Options));

    private string Residency(AdapterEntry row) =>
        resident.IsLoaded(row.Id) ? "device" : PageCache.Holds(Path.Combine(row.Folder, PeftFolder.WeightsFile)) ? "host" : "disk";
}
