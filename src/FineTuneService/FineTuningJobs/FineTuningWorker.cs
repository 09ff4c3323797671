using FineTuneService.Data;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats;
using FineTuneService.Hosting;
using FineTuneService.Operators;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// Takes jobs from their rows: files are validated as they come, and one job after the other trains. A job that was running when the
/// process died goes on from its last checkpoint.
/// </summary>
internal sealed class FineTuningWorker(
    JobQueue queue, JobFolders folders, JobSignal signal, JobValidation validation, JobTraining training, JobEnding ending, Drain drain, TimeProvider clock,
    ILogger<FineTuningWorker> log) : BackgroundService
{
    /// <summary>A job that ends the process ends it every time: it is begun so often, and then fails.</summary>
    private const int MaxAttempts = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>How long a service that stops still tries to write what its jobs came to.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        using var giveUp = new CancellationTokenSource();
        await using CancellationTokenRegistration stop = stopping.Register(() => giveUp.CancelAfter(Grace));
        using (Phases.Enter(Phase.StartUpRepair))
        {
            await Surely(() => queue.ReleaseDeadClaims(stopping), stopping);
            await Surely(() => folders.Collect(stopping), stopping);
        }
        while (!stopping.IsCancellationRequested)
        {
            // A service that is drained ends its work as one that stops does, and begins again should it be taken back.
            using var resting = CancellationTokenSource.CreateLinkedTokenSource(stopping, drain.Begun);
            await Task.WhenAll(
                Work([JobStatus.ValidatingFiles], validation.Run, signal.WaitToValidate, giveUp.Token, resting.Token),
                Work([JobStatus.Running, JobStatus.Queued], (claim, stopped) => training.Run(claim, stopped, giveUp.Token), signal.WaitToTrain, giveUp.Token, resting.Token));
            await drain.Off.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task Work(string[] states, Func<JobClaim, CancellationToken, Task> work, Func<CancellationToken, Task> wait, CancellationToken giveUp, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            await Surely(async () =>
            {
                while (await queue.Take(stopping, states) is { } claim)
                {
                    await using (claim) await Guarded(claim, work, giveUp, stopping);
                }
                await wait(stopping);
            }, stopping);
        }
    }

    /// <summary>A loop goes on after whatever happens in it: a database that is locked for a minute must not end it for good.</summary>
    private async Task Surely(Func<Task> turn, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await turn();
                return;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                log.LogError(failure, "The worker goes on after a failure");
                await Task.Delay(Pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>One job's failure is that job's, not the worker's.</summary>
    private async Task Guarded(JobClaim claim, Func<JobClaim, CancellationToken, Task> work, CancellationToken giveUp, CancellationToken stopping)
    {
        try
        {
            if (claim.Job.Attempts >= MaxAttempts) await ending.Fail(claim, TooManyAttempts, giveUp);
            else await work(claim, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await claim.Release(failed: false, giveUp);
        }
        catch (Exception failure) when (StorageTrouble.Passes(failure))
        {
            log.LogError(failure, "Job {Job} could not go on; it is begun again", claim.Job.Id);
            await Task.Delay(Pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await claim.Release(failed: failure is IOException, giveUp);
        }
        catch (DamagedBlobException damaged)
        {
            await ending.Fail(claim, new JobError("file_damaged", damaged.Message, null), giveUp);
        }
        catch (MemoryExceededException exceeded)
        {
            await ending.Fail(claim, JobLimits.Exceeded(exceeded), giveUp);
        }
        catch (Exception failure) when (failure is ArgumentException or ModelException or TensorFileException)
        {
            await ending.Fail(claim, new JobError("invalid_configuration", failure.Message, null), giveUp);
        }
        catch (Exception failure)
        {
            log.LogError(failure, "Job {Job} failed", claim.Job.Id);
            await ending.Fail(claim, new JobError("server_error", "The service failed while it ran this job; its log says why. Create the job again.", null), giveUp);
        }
    }

    private static JobError TooManyAttempts => new("too_many_attempts",
        $"The job was begun {MaxAttempts} times, and each time the service ended before it came any further; it may need more memory than this machine has. " +
        "Create it again with quantization nf4, or a smaller training.micro_batch_size, training.max_seq_length or lora.rank.", null);
}
