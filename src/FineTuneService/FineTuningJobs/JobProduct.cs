using FineTuneService.Adapters;
using FineTuneService.Data;
using FineTuneService.Engine.Models;
using FineTuneService.Models;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>What a job's training came to, on disk: an adapter, or of full training a model of its own. The caller makes it a row.</summary>
internal sealed record JobProduct(AdapterEntry? Adapter, ModelEntry? Whole)
{
    /// <summary>As a model.</summary>
    public string Name => Adapter?.Model ?? Whole!.Id;

    public string Folder => Adapter?.Folder ?? Whole!.Folder;

    /// <summary>What it is loaded under.</summary>
    public string ResidentAs => Adapter?.Id ?? Whole!.Folder;

    /// <summary>What is there under a model's name; null where nothing is that a job came to.</summary>
    public static async Task<JobProduct?> Find(FineTuneDbContext db, string? name, CancellationToken cancel)
    {
        if (await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Model == name, cancel) is { } adapter) return new(adapter, null);
        return await db.Models.AsNoTracking().FirstOrDefaultAsync(row => row.Id == name && row.TenantId != "", cancel) is { } whole ? new(null, whole) : null;
    }

    /// <summary>Moves a finished temporary folder to where the tenant's adapters or models are.</summary>
    /// <param name="checkpoint">The step that it is of, where training goes on.</param>
    public static JobProduct Keep(IServiceProvider services, string folder, FineTuningJob job, JobSettings settings, ModelEntry model, int? checkpoint = null)
    {
        string ending = checkpoint is null ? "" : $":ckpt-step-{checkpoint}";
        if (settings.Technique == JobTechnique.Full)
            return new(null, services.GetRequiredService<ModelStore>().Keep(folder, job.TenantId, $"ft:{model.Id}:{job.TenantId}:{job.Suffix}:", ending, model.Id));
        AdapterEntry adapter = services.GetRequiredService<AdapterStore>().Add(folder, job.TenantId, model.Id, settings.Precision, job.Suffix);
        adapter.Model += ending;
        (adapter.JobId, adapter.TrainingFile, adapter.Step, adapter.IsCheckpoint) = (job.Id, job.TrainingFile, checkpoint, checkpoint is not null);
        return new(adapter, null);
    }

    /// <summary>What is evaluated.</summary>
    /// <param name="model">The job's base.</param>
    public ServedModel Served(ModelEntry model, BasePrecision precision) => new(Name, Whole?.Folder ?? model.Folder, precision, Adapter);

    public void Add(FineTuneDbContext db)
    {
        if (Adapter is not null) db.Adapters.Add(Adapter);
        else db.Models.Add(Whole!);
    }

    public Task<bool> IsRow(FineTuneDbContext db) =>
        Adapter is not null ? db.Adapters.AnyAsync(row => row.Id == Adapter.Id) : db.Models.AnyAsync(row => row.Id == Whole!.Id);
}
