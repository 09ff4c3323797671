using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Evaluations;
using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.FineTuningJobs;

/// <summary>Puts a job's tasks to its base, and to what it has trained. A task that cannot be put is a warning: no training is lost for it.</summary>
internal sealed class JobEvaluation(IServiceScopeFactory scopes, Evaluating evaluating, TimeProvider clock)
{
    /// <summary>The base's figures, once: a job that goes on from a checkpoint has them.</summary>
    public async Task Before(JobClaim claim, JobSettings settings, ModelEntry model, CancellationToken cancel)
    {
        if (settings.Evaluate is null || claim.Job.Evaluation is not null) return;
        IReadOnlyDictionary<string, TaskResult>? figures = await Run(claim, settings, new ServedModel(model.Id, model.Folder, settings.Precision, null), cancel);
        await claim.WriteSurely((db, job) =>
        {
            job.Evaluation = JsonSerializer.Serialize(new JobTasks(figures), Json.Options);
            if (figures is not null) db.Say(job, clock, $"The base was evaluated: {Told(figures)}");
        }, cancel);
    }

    /// <returns>The figures of what was trained; null where the job has no tasks, or they could not be put.</returns>
    public async Task<IReadOnlyDictionary<string, TaskResult>?> After(JobClaim claim, JobSettings settings, ModelEntry model, JobProduct product, CancellationToken cancel) =>
        settings.Evaluate is null ? null : await Run(claim, settings, product.Served(model, settings.Precision), cancel);

    /// <summary>What the figures came to, in words.</summary>
    public static string Told(IReadOnlyDictionary<string, TaskResult> figures) =>
        string.Join(", ", figures.Select(task => FormattableString.Invariant($"{task.Key} {task.Value.Metrics.First().Key} {task.Value.Metrics.First().Value.Value:0.####}")));

    private async Task<IReadOnlyDictionary<string, TaskResult>?> Run(JobClaim claim, JobSettings settings, ServedModel served, CancellationToken cancel)
    {
        EvaluateBody asked = settings.Evaluate!;
        try
        {
            await using AsyncServiceScope scope = scopes.CreateAsyncScope();
            scope.ServiceProvider.GetRequiredService<CurrentTenant>().Become(claim.Job.TenantId);
            (IReadOnlyList<PlannedTask> tasks, IResult? missing) =
                await scope.ServiceProvider.GetRequiredService<EvaluationReader>().Plan(asked.Tasks, asked.TaskFiles, asked.NumFewshot, "", cancel);
            if (missing is not null) throw new EvaluationRefused(new EvaluationRefusal(EvaluationRefusalKind.BadTask, "a file of its tasks was deleted."));
            Evaluated evaluated = await evaluating.Run(new EvaluatedFor(claim.Job.TenantId, claim.Job.KeyId ?? "", claim.Job.Model), new EvaluationPlan(null, tasks, asked.Limit, null), [served], cancel);
            return evaluated.Results[0].Tasks;
        }
        catch (Exception refused) when (refused is EvaluationRefused or DamagedBlobException)
        {
            await claim.WriteSurely((db, job) => db.Warn(job, clock, $"'{served.Name}' was not evaluated: {refused.Message}"), cancel);
            return null;
        }
    }
}
