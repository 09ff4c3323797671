using FineTuneService.Device;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Operators;

/// <summary>The device as its operator sees it.</summary>
internal sealed class DeviceView(DeviceLease lease, ResidentModels resident, Drain drain, IOptions<FineTuneOptions> options)
{
    /// <summary>A thread that is stuck does not keep its operator from being told so.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public async Task<DeviceBody> Read()
    {
        IReadOnlyList<MemoryOwner>? owners = null;
        string? kind = null;
        try
        {
            (kind, IReadOnlyList<MemoryHolder> holders) = await resident.Holders().WaitAsync(Patience);
            long caches = resident.Bytes - holders.Sum(holder => holder.Bytes);
            MemoryOwner[] rest = caches > 0 ? [new MemoryOwner("caches", "answers", caches, [])] : [];
            owners = [.. holders.Select(holder => new MemoryOwner(holder.Kind, Path.GetFileName(holder.Owner), holder.Bytes, holder.Users)), .. rest];
        }
        catch (Exception silent) when (silent is TimeoutException or OperationCanceledException)
        {
        }
        return new DeviceBody("device", kind, lease.Holder, Math.Round(lease.Log.Utilisation, 3), drain.IsOn,
            new DeviceMemory(options.Value.DeviceBytes, resident.Bytes, owners), resident.Models, resident.Adapters);
    }
}
