using System.Text.Json;
using FineTuneService.Adapters;
using FineTuneService.Device;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Training;
using FineTuneService.Evaluations;
using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.FineTuningJobs;

/// <summary>A job's trainings with other seeds: each is evaluated and forgotten, but for the last, which has the job's own seed.</summary>
internal sealed class JobRepeats(JobEvaluation evaluation, JobFolders folders, DeviceLease lease, ResidentModels resident, TimeProvider clock)
{
    /// <summary>How many of a job's trainings have ended.</summary>
    public static int Ended(FineTuningJob job) => Of(job.Repeats).Length;

    /// <summary>The settings of a training, counted from 0.</summary>
    public static JobSettings Settings(JobSettings settings, int number) => settings with { Seed = settings.Seed + (ulong)(settings.Repeats - 1 - number) };

    /// <summary>Adds a training to those that have ended, once.</summary>
    public static void Add(FineTuningJob job, RunFinished finished, JobSettings settings, IReadOnlyDictionary<string, TaskResult>? tasks)
    {
        RepeatResult[] before = Of(job.Repeats);
        if (before.Any(run => run.Seed == settings.Seed)) return;
        var ended = new RepeatResult(settings.Seed, finished.TrainedTokens, finished.TrainLoss, finished.ValidationLoss, tasks);
        job.Repeats = JsonSerializer.Serialize<RepeatResult[]>([.. before, ended], Json.Options);
    }

    /// <summary>Tokens of all trainings that have ended.</summary>
    public static long Tokens(FineTuningJob job) => Of(job.Repeats).Sum(run => run.TrainedTokens);

    /// <summary>Evaluates what was trained, and keeps the figures alone.</summary>
    /// <param name="settings">Of this training.</param>
    /// <returns>Whether the job is still this worker's, so that the next may begin.</returns>
    public async Task<bool> Keep(JobClaim claim, JobSettings settings, JobRun run, RunFinished finished, ModelEntry model, CancellationToken cancel)
    {
        IReadOnlyDictionary<string, TaskResult>? tasks = settings.Evaluate is null ? null : await Evaluate(claim, settings, run, model, cancel);
        bool written = await claim.WriteSurely((db, job) =>
        {
            Add(job, finished, settings, tasks);
            (job.Step, job.CountedStep) = (0, 0);
            db.Say(job, clock, FormattableString.Invariant($"Training {Ended(job)} of {settings.Repeats} (seed {settings.Seed}) has ended: training loss {finished.TrainLoss:0.0000}{(tasks is null ? "" : ", " + JobEvaluation.Told(tasks))}"));
        }, cancel);
        // The next begins at its first step; where the process dies before this, its checkpoints are told from these by their seed.
        if (written) folders.Remove(claim.Job.Id);
        return written;
    }

    private async Task<IReadOnlyDictionary<string, TaskResult>?> Evaluate(JobClaim claim, JobSettings settings, JobRun run, ModelEntry model, CancellationToken cancel)
    {
        string folder = await lease.Serve($"save job {claim.Job.Id}", run.Save, cancel);
        string name = $"{claim.Job.Id}, seed {settings.Seed}", tenant = claim.Job.TenantId;
        JobProduct product = settings.Technique == JobTechnique.Full
            ? new(null, new ModelEntry { Id = name, TenantId = tenant, Folder = folder })
            : new(new AdapterEntry { Id = Ids.New("ad"), TenantId = tenant, Model = name, BaseModel = model.Id, Precision = "", Folder = folder }, null);
        try
        {
            return await evaluation.After(claim, settings, model, product, cancel);
        }
        finally
        {
            await lease.Serve("forget", () =>
            {
                resident.Forget(product.ResidentAs);
                return true;
            });
            Durable.Remove(folder);
        }
    }

    private static RepeatResult[] Of(string? repeats) => repeats is null ? [] : JsonSerializer.Deserialize<RepeatResult[]>(repeats, Json.Options)!;
}
