using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;

namespace FineTuneService.Device;

/// <summary>Loads models and adapters, once there is room for them. On the device's thread only; answers go on between a file's tensors.</summary>
internal sealed class ModelLoading(ResidentSet set, DeviceLease lease, FineTuneOptions options, ILogger<ResidentModels> log)
{
    // Longer contexts cost cache memory that most requests never use.
    public const int LongestSequence = 4096;

    /// <exception cref="ModelException">The folder is no longer a model that can be loaded.</exception>
    /// <exception cref="TensorFileException">A weights file cannot be used.</exception>
    public (ResidentModel?, NoRoom?) Load(AskedModel asked)
    {
        long bytes = asked.Precision.BytesOf(asked.Text.Config, asked.Text.Folder) + Generator.CacheBytes(asked.Text.Config, asked.Precision, ResidentModels.Capacity(asked.Text.Config));
        if (!set.Budget.TryTake(bytes)) return (null, set.NoRoomFor(bytes, "The model"));
        try
        {
            BaseModel loaded = BaseModel.Load(asked.Text, asked.Precision, lease.Breathe);
            var generator = new Generator(loaded, options.MaxBatchRows, LongestSequence, set.Budget) { OnFailure = failure => log.LogError(failure, "An answer failed on the device") };
            lease.AddStepper(generator.Step);
            return (set.Add(asked, new ResidentModel(loaded, asked.Text, generator, bytes)), null);
        }
        catch
        {
            set.Budget.Give(bytes);
            throw;
        }
    }

    /// <exception cref="AdapterException">The folder is no longer an adapter of this base.</exception>
    /// <exception cref="TensorFileException">A weights file cannot be used.</exception>
    public (ResidentAdapter?, NoRoom?) LoadAdapter(string id, string folder, ResidentModel model)
    {
        if (!set.MakePlace(options.MaxResidentAdapters))
            return (null, new NoRoom(NoRoomKind.Adapters, $"All {options.MaxResidentAdapters} adapters that may be loaded (FineTune:MaxResidentAdapters) are in use; try again in a moment."));
        // Its file tells roughly what it takes, before it is read; a bf16 model reads a copy of its own.
        var file = new FileInfo(Path.Combine(folder, PeftFolder.WeightsFile));
        long bytes = file.Exists ? file.Length : 0;
        if (!set.Budget.TryTake(bytes)) return (null, set.NoRoomFor(bytes, "The adapter"));
        Adapter adapter;
        try
        {
            Telemetry.AdapterLoads.Add(1);
            adapter = Adapter.Load(folder, model.Base, lease.Breathe);
            long whole = model.Base.Precision.Dtype == ComputeDtype.Bf16 ? adapter.Bytes / 2 * 3 : adapter.Bytes;
            if (set.Budget.TryTake(whole - bytes)) return (set.Add(id, new ResidentAdapter(adapter, model, whole)), null);
        }
        catch
        {
            set.Budget.Give(bytes);
            throw;
        }
        adapter.Dispose();
        set.Budget.Give(bytes);
        return (null, set.NoRoomFor(2 * bytes, "The adapter"));
    }
}
