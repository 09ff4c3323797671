using FineTuneService.Data;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// Takes jobs from their rows: files are validated as they come, and one job after the other trains. A job that was running when the
/// process died goes on from its last checkpoint.
/// </summary>
internal sealed class FineTuningWorker(
    IServiceScopeFactory scopes, JobSignal signal, JobValidation validation, JobTraining training, JobEnding ending, TimeProvider clock,
    IOptions<FineTuneOptions> options, ILogger<FineTuningWorker> log) : BackgroundService
{
    private readonly TimeSpan _claimLength = TimeSpan.FromSeconds(options.Value.ClaimSeconds);

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        await ReleaseDeadClaims(stopping);
        await Task.WhenAll(
            Work([JobStatus.ValidatingFiles], validation.Run, signal.WaitToValidate, stopping),
            Work([JobStatus.Running, JobStatus.Queued], training.Run, signal.WaitToTrain, stopping));
    }

    /// <summary>The data directory's lock says that no other worker lives: what is claimed was a dead process's.</summary>
    private async Task ReleaseDeadClaims(CancellationToken stopping)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        await db.Jobs.Where(job => job.ClaimId != null).ExecuteUpdateAsync(set => set.SetProperty(job => job.ClaimId, (string?)null), stopping);
    }

    private async Task Work(string[] states, Func<JobClaim, CancellationToken, Task> work, Func<CancellationToken, Task> wait, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                JobClaim? claim;
                while ((claim = await JobClaim.Take(scopes, clock, _claimLength, stopping, states)) is not null)
                {
                    await using (claim) await Guarded(claim, work, stopping);
                }
                await wait(stopping);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                log.LogError(failure, "The worker goes on after a failure");
                await Task.Delay(TimeSpan.FromSeconds(1), clock, stopping);
            }
        }
    }

    /// <summary>One job's failure is that job's, not the worker's.</summary>
    private async Task Guarded(JobClaim claim, Func<JobClaim, CancellationToken, Task> work, CancellationToken stopping)
    {
        try
        {
            await work(claim, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await claim.Release();
        }
        catch (DamagedBlobException damaged)
        {
            await ending.Fail(claim, new JobError("file_damaged", damaged.Message, null));
        }
        catch (Exception failure) when (failure is ArgumentException or ModelException or SafetensorsException)
        {
            await ending.Fail(claim, new JobError("invalid_configuration", failure.Message, null));
        }
        catch (Exception failure)
        {
            log.LogError(failure, "Job {Job} failed", claim.Job.Id);
            await ending.Fail(claim, new JobError("server_error", "The service failed while it ran this job; its log says why. Create the job again.", null));
        }
    }
}
