using FineTuneService.Data;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation.Tasks;
using FineTuneService.Files;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Evaluations;

/// <summary>Reads tasks: from a tenant's uploaded files, or from the service's own folder of task data (FineTune:TaskDataDirectory).</summary>
internal sealed class TaskData(BlobStore blobs, IOptions<FineTuneOptions> options)
{
    /// <exception cref="EvaluationRefused">There is no data, or it is no good.</exception>
    public async Task<EvaluationTask> Read(PlannedTask planned, int? limit, CancellationToken cancel)
    {
        HarnessTask task = planned.Task;
        await using Stream data = await Open(planned.File, task, task.DataPath, "file", cancel);
        await using Stream? shots = planned.FewShots == 0 ? null : await Open(planned.Shots, task, task.ShotsPath!, "fewshot_file", cancel);
        int most = options.Value.MaxEvaluationRows;
        var inputs = new TaskInputs(
            new TaskFile(data, planned.File?.Filename ?? task.DataPath), shots is null ? null : new TaskFile(shots, planned.Shots?.Filename ?? task.ShotsPath!),
            planned.FewShots, Math.Min(limit ?? int.MaxValue, most + 1));
        EvaluationTask read = await Task.Run(() => Read(task, inputs), cancel);
        DatasetProblem[] problems = [.. inputs.Data.Problems, .. inputs.Shots?.Problems ?? []];
        if (problems.Length > 0) throw new EvaluationRefused(EvaluationRefusal.BadRows($"The data of '{task.Name}' cannot be used.", problems, "tasks"));
        if (read.Items.Count <= most) return read;
        throw new EvaluationRefused(new EvaluationRefusal(
            EvaluationRefusalKind.TooManyRows, $"'{task.Name}' has more than {most} questions; an evaluation takes at most {most} of a task (FineTune:MaxEvaluationRows). Give a limit.", "limit"));
    }

    /// <summary>What is missing of a task's data, or null. An uploaded file may still be no good.</summary>
    public string? Missing(PlannedTask planned)
    {
        HarnessTask task = planned.Task;
        if (planned.File is null && Own(task.DataPath) is null) return Missing(task, task.DataPath, "file");
        return planned.FewShots > 0 && planned.Shots is null && Own(task.ShotsPath!) is null ? Missing(task, task.ShotsPath!, "fewshot_file") : null;
    }

    private static string Missing(HarnessTask task, string path, string field) =>
        $"The service has no data of its own for '{task.Name}' ({path} in FineTune:TaskDataDirectory). Upload it with purpose evals, and name it in task_files.{task.Name}.{field}.";

    /// <summary>A file of the service's own folder; a task's path holds nothing that leads out of it.</summary>
    private string? Own(string path)
    {
        string folder = options.Value.TaskDataDirectory, own = Path.Combine(folder, path);
        return folder.Length > 0 && File.Exists(own) ? own : null;
    }

    private static EvaluationTask Read(HarnessTask task, TaskInputs inputs)
    {
        try
        {
            return task.Read(inputs);
        }
        catch (TaskException few)
        {
            throw new EvaluationRefused(new EvaluationRefusal(EvaluationRefusalKind.BadTask, $"'{task.Name}' cannot be put: {few.Message}.", "num_fewshot"));
        }
    }

    private async Task<Stream> Open(StoredFile? uploaded, HarnessTask task, string path, string field, CancellationToken cancel)
    {
        if (uploaded is not null) return await blobs.Open(uploaded.TenantId, uploaded.Sha256, $"file '{uploaded.Id}'", cancel);
        return Own(path) is { } own ? File.OpenRead(own) : throw new EvaluationRefused(new EvaluationRefusal(EvaluationRefusalKind.BadTask, Missing(task, path, field), "tasks"));
    }
}
