using FineTuneService.Engine.Training;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>What was trained, as it was at a checkpoint, lies where adapters or models are, and is to be named.</summary>
internal sealed record CheckpointKept(int Step, JobProduct Product) : TrainingEvent(Step)
{
    public JobCheckpoint Row(FineTuningJob job, TimeProvider clock) => new()
    {
        Id = Ids.New("ftckpt"),
        TenantId = job.TenantId,
        JobId = job.Id,
        Step = Step,
        TrainLoss = job.TrainLoss,
        ValidationLoss = job.ValidationLoss,
        AdapterId = Product.Adapter?.Id,
        Model = Product.Name,
        CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(),
    };
}
