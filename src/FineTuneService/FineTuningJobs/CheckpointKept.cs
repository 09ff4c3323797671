using FineTuneService.Adapters;
using FineTuneService.Engine.Training;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>The adapter as it was at a checkpoint lies where adapters are, and is to be named.</summary>
internal sealed record CheckpointKept(int Step, AdapterEntry Adapter) : TrainingEvent(Step)
{
    public JobCheckpoint Row(FineTuningJob job, TimeProvider clock) => new()
    {
        Id = Ids.New("ftckpt"),
        TenantId = job.TenantId,
        JobId = job.Id,
        Step = Step,
        TrainLoss = job.TrainLoss,
        ValidationLoss = job.ValidationLoss,
        AdapterId = Adapter.Id,
        Model = Adapter.Model,
        CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(),
    };
}
