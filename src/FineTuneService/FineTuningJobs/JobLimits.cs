using System.Globalization;
using FineTuneService.Data;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Hosting;
using FineTuneService.Models;
using Microsoft.Extensions.Options;

namespace FineTuneService.FineTuningJobs;

/// <summary>What a job may take of this machine, asked before it is begun: memory, steps, and space on the disk.</summary>
internal sealed class JobLimits(IOptions<FineTuneOptions> options, DiskSpace disk, TimeProvider clock)
{
    private const string TooLarge = "exceeds_device_memory";
    private const string Advice = "Use quantization nf4, a smaller training.max_seq_length or lora.rank, or raise FineTune:DeviceMemory.";

    /// <summary>Two checkpoints, one that is being written, and the adapter or model twice (its temporary folder is on the same disk).</summary>
    private const int CheckpointsAtOnce = 3, AdaptersAtOnce = 2;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Others' jobs wait meanwhile, so a job that has not begun fails sooner than one that would lose its steps.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1), LongestWaitOfBegun = TimeSpan.FromMinutes(10);

    /// <summary>Why a run like this is never begun here, or null. A base is in memory once, however many use it; it counts all the same.</summary>
    public JobError? Refuse(TrainingEstimate estimate)
    {
        if (estimate.Steps > options.Value.MaxJobSteps)
        {
            return new JobError("too_many_steps",
                $"The job would take {estimate.Steps} optimizer steps, and FineTune:MaxJobSteps allows {options.Value.MaxJobSteps}. Lower training.epochs, raise training.batch_size, or set training.max_steps.",
                "training.max_steps");
        }
        long budget = options.Value.DeviceBytes;
        return estimate.Least.Total <= budget ? null : new JobError(TooLarge,
            $"The job needs about {Gibibytes(estimate.Least.Total)} GiB of memory ({Gibibytes(estimate.Least.Base)} for the base, {Gibibytes(estimate.Least.Activations + estimate.Least.Head)} for " +
            $"a micro batch of one row), and FineTune:DeviceMemory gives {Gibibytes(budget)}. {Advice}", null);
    }

    /// <summary>What becomes of a job whose micro batches are too large as they are; null where they fit.</summary>
    public string? Divided(TrainingEstimate estimate) => estimate.Memory.Total <= options.Value.DeviceBytes ? null
        : $"The job needs about {Gibibytes(estimate.Memory.Total)} GiB of memory, {Gibibytes(estimate.Memory.Activations + estimate.Memory.Head)} of them for a micro batch, and FineTune:DeviceMemory gives " +
          $"{Gibibytes(options.Value.DeviceBytes)}: it will train with fewer rows at a time (down to one), which add up to the same steps.";

    /// <summary>The error of a job that turned out not to fit.</summary>
    public static JobError Exceeded(MemoryExceededException exceeded) => new(TooLarge, $"{char.ToUpperInvariant(exceeded.Message[0])}{exceeded.Message[1..]}. {Advice}", null);

    /// <summary>Bytes that a run holds beside its base.</summary>
    public static long BesideTheBase(ModelEntry model, BasePrecision precision, TrainingConfig config, int longestRow)
    {
        MemoryEstimate memory = Trainer.Estimate(ModelConfig.Load(model.Folder), precision, config, rows: 1, tokens: 1, longestRow).Memory;
        return memory.Total - memory.Base;
    }

    /// <summary>What the job takes, now that its files have been read.</summary>
    public static TrainingEstimate Estimate(ModelEntry model, JobSettings settings, TrainingData data) =>
        Estimate(model, settings, data.Train.Count, data.Tokens, data.LongestRow);

    /// <summary>What a run over so many rows takes; a base that is kept as stored, by what its file says.</summary>
    public static TrainingEstimate Estimate(ModelEntry model, JobSettings settings, int rows, long tokens, int longestRow)
    {
        var config = ModelConfig.Load(model.Folder);
        TrainingEstimate estimate = Trainer.Estimate(config, settings.Precision, settings.For(rows), rows, tokens, longestRow);
        long stored = settings.Precision.BytesOf(config, model.Folder);
        return estimate with { Memory = estimate.Memory with { Base = stored }, Least = estimate.Least with { Base = stored } };
    }

    /// <summary>Waits while the disk is too full for the job's checkpoints and adapter.</summary>
    /// <returns>The job's error, where space does not come; null where it is there, or the job is to stop.</returns>
    public async Task<JobError?> WaitForSpace(JobClaim claim, TrainingEstimate estimate, CancellationToken stopping)
    {
        long needed = estimate.CheckpointBytes * CheckpointsAtOnce + estimate.AdapterBytes * AdaptersAtOnce;
        long started = clock.GetTimestamp();
        TimeSpan longest = claim.Job.Step > 0 ? LongestWaitOfBegun : LongestWait;
        for (bool told = false; !disk.Takes(needed) && !claim.StopRequested; told = true)
        {
            string why = $"the job needs {(needed >> 20) + 1} MiB on the disk beside what is kept for the database (FineTune:DiskReserveBytes), and they are not free";
            if (clock.GetElapsedTime(started) > longest) return new JobError("insufficient_storage", $"For {longest.TotalSeconds:0} seconds {why}. Create it again once there is space, or with a smaller lora.rank.", null);
            if (!told) await claim.WriteSurely((db, job) => db.Say(job, clock, $"Waiting for space: {why}", "warn"), stopping);
            await Task.Delay(Pause, clock, stopping);
        }
        return null;
    }

    private static string Gibibytes(long bytes) => (bytes / (double)(1L << 30)).ToString("0.0", CultureInfo.InvariantCulture);
}
