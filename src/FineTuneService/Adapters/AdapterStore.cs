using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;

namespace FineTuneService.Adapters;

/// <summary>Adapters on disk, a folder each under the tenant's: whole or not there, and a row only once they are safe.</summary>
internal sealed class AdapterStore(DataDirectory directory, FineTuneDbContext db, DeviceLease lease, ResidentModels resident, TimeProvider clock)
{
    /// <summary>Moves a finished folder in PEFT's format to where the tenant's adapters are, and makes its row (not saved yet).</summary>
    /// <param name="folder">A temporary folder, complete.</param>
    public AdapterEntry Add(string folder, string tenant, string baseModel, BasePrecision precision, string? suffix)
    {
        string id = Ids.New("ad");
        string home = Path.Combine(directory.Adapters, tenant, id);
        Durable.CreateFolder(Path.GetDirectoryName(home)!);
        Durable.MoveFolder(folder, home);
        LoraConfig config = PeftConfig.Parse(File.ReadAllText(Path.Combine(home, PeftFolder.ConfigFile)));
        var entry = new AdapterEntry
        {
            Id = id,
            TenantId = tenant,
            Model = $"ft:{baseModel}:{tenant}:{suffix}:{id[3..]}",
            BaseModel = baseModel,
            Precision = JsonSerializer.Serialize(precision, Json.Options),
            Folder = home,
            Bytes = new FileInfo(Path.Combine(home, PeftFolder.WeightsFile)).Length,
            Rank = config.Rank,
            Alpha = config.Alpha,
            CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(),
        };
        db.Adapters.Add(entry);
        return entry;
    }

    /// <summary>Removes the row, then what is loaded, then the files.</summary>
    public async Task Delete(AdapterEntry adapter)
    {
        db.Adapters.Remove(adapter);
        await db.SaveChangesAsync();
        await lease.Serve("forget", () =>
        {
            resident.Forget(adapter.Id);
            return true;
        });
        DataDirectory.Remove(adapter.Folder);
    }
}
