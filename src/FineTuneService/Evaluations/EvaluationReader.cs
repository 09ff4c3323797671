using FineTuneService.Data;
using FineTuneService.Engine.Evaluation.Tasks;
using FineTuneService.Engine.Generation;
using FineTuneService.Files;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Evaluations;

/// <summary>Makes a plan of a request's body: every value checked, every file looked up.</summary>
internal sealed class EvaluationReader(FineTuneDbContext db)
{
    private const int MostFewShots = 64;
    private const int MostTasks = 64, MostPrompts = 100, MostStops = 4, MostNewTokens = 2048, DefaultNewTokens = 128;

    /// <summary>What is uploaded for them is a dataset.</summary>
    private static readonly string[] Purposes = ["fine-tune", "evals"];

    /// <summary>The plan, or the refusal that the body deserves.</summary>
    public async Task<(EvaluationPlan?, IResult?)> Read(EvaluateRequest body, CancellationToken cancel)
    {
        if (Check(body) is { } refusal) return (null, refusal);
        (StoredFile? file, IResult? noFile) = await Find(body.File, "file", cancel);
        if (noFile is not null) return (null, noFile);
        (IReadOnlyList<PlannedTask> tasks, IResult? noTask) = await Plan(body.Tasks ?? [], body.TaskFiles, body.NumFewshot, "", cancel);
        return noTask is null ? (new EvaluationPlan(file, tasks, body.Limit, Answers(body.Generate)) { Columns = FileColumns.Of(body.Dataset?.Columns, body.Dataset?.PromptTemplate) }, null) : (null, noTask);
    }

    /// <summary>Tasks whose names have been checked, and the current tenant's files for them.</summary>
    /// <param name="within">What the fields are part of, with a dot.</param>
    public async Task<(IReadOnlyList<PlannedTask>, IResult?)> Plan(
        IReadOnlyList<string> names, IReadOnlyDictionary<string, TaskFilesBody>? files, int? fewShots, string within, CancellationToken cancel)
    {
        var tasks = new List<PlannedTask>();
        foreach (string name in names)
        {
            HarnessTask task = HarnessTasks.Find(name)!;
            TaskFilesBody? own = files?.GetValueOrDefault(name);
            (StoredFile? data, IResult? noData) = await Find(own?.File, $"{within}task_files.{name}.file", cancel);
            (StoredFile? shots, IResult? noShots) = await Find(own?.FewshotFile, $"{within}task_files.{name}.fewshot_file", cancel);
            if ((noData ?? noShots) is { } missing) return ([], missing);
            // A task whose prompt is fixed takes none.
            tasks.Add(new PlannedTask(task, task.ShotsPath is null ? 0 : fewShots ?? task.DefaultShots, data, shots));
        }
        return (tasks, null);
    }

    /// <summary>Why these tasks cannot be run, or null. A job's evaluate is checked by it too.</summary>
    public static (string Message, string Param)? CheckTasks(
        IReadOnlyList<string>? tasks, IReadOnlyDictionary<string, TaskFilesBody>? files, int? fewShots, int? limit)
    {
        if (tasks is { Count: > MostTasks }) return ($"tasks has {tasks.Count} names; give at most {MostTasks}.", "tasks");
        foreach (string? name in tasks ?? [])
        {
            if (name is null || HarnessTasks.Find(name) is null) return ($"There is no task '{Errors.Clip(name ?? "null")}'. These are known: {HarnessTasks.Known}.", "tasks");
        }
        if (tasks?.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice) return ($"tasks names '{twice.Key}' twice; once is enough.", "tasks");
        if (files?.Keys.FirstOrDefault(name => tasks?.Contains(name) != true) is { } unasked) return ($"task_files has files for '{Errors.Clip(unasked)}', which tasks does not name.", "task_files");
        if (files?.FirstOrDefault(entry => entry.Value is null) is { Key: { } empty }) return ($"task_files.{Errors.Clip(empty)} is null; give it a file.", "task_files");
        if (fewShots is < 0 or > MostFewShots) return ($"num_fewshot must be 0 to {MostFewShots}.", "num_fewshot");
        return limit is < 1 ? ("limit must be 1 or more.", "limit") : null;
    }

    private static IResult? Check(EvaluateRequest body)
    {
        if (body.File is null && body.Tasks is not { Count: > 0 } && body.Generate is null)
            return Errors.BadRequest("Missing required parameter: 'file', 'tasks' or 'generate'; there is nothing to evaluate on.", "missing_required_parameter", "file");
        if (CheckTasks(body.Tasks, body.TaskFiles, body.NumFewshot, body.Limit) is { } problem) return Errors.BadRequest(problem.Message, param: problem.Param);
        if (body.Dataset is { } dataset)
        {
            if (body.File is null) return Errors.BadRequest("dataset says what the columns of 'file' are; give a file.", param: "dataset");
            if (FileColumns.Problem(dataset.Columns, dataset.PromptTemplate) is { } wrong) return Errors.BadRequest(wrong.Message + ".", param: "dataset." + wrong.Field);
        }
        return body.Generate is { } generate ? Check(generate, body.File) : null;
    }

    private static IResult? Check(GenerateBody body, string? file)
    {
        if (body.Prompts is null && file is null) return Errors.BadRequest("generate has no prompts; give some, or a file whose rows have them.", "missing_required_parameter", "generate.prompts");
        if (body.Prompts is { Count: 0 or > MostPrompts }) return Errors.BadRequest($"generate.prompts has {body.Prompts.Count} prompts; give 1 to {MostPrompts}.", param: "generate.prompts");
        if (body.Prompts?.Any(string.IsNullOrEmpty) == true) return Errors.BadRequest("generate.prompts holds a prompt that is empty or null; leave it out.", param: "generate.prompts");
        if (body.MaxTokens is < 1 or > MostNewTokens) return Errors.BadRequest($"generate.max_tokens must be 1 to {MostNewTokens}.", param: "generate.max_tokens");
        if (body.Temperature is < 0 or > 2) return Errors.BadRequest("generate.temperature must be 0 to 2.", param: "generate.temperature");
        if (body.Stop is { } stop && (stop.Values.Count > MostStops || stop.Values.Any(text => text is not { Length: > 0 and <= 1000 })))
            return Errors.BadRequest($"generate.stop takes up to {MostStops} texts of 1 to 1000 characters.", param: "generate.stop");
        return null;
    }

    private static PlannedAnswers? Answers(GenerateBody? body) => body is null ? null : new PlannedAnswers(body.Prompts, new SamplingParameters
    {
        MaxTokens = body.MaxTokens ?? DefaultNewTokens,
        Temperature = body.Temperature ?? 0,
        Seed = (ulong)(body.Seed ?? 0),
        Stop = body.Stop?.Values ?? [],
    });

    private async Task<(StoredFile?, IResult?)> Find(string? id, string param, CancellationToken cancel)
    {
        if (id is null) return (null, null);
        if (await db.Files.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is not { } file)
            return (null, Errors.Make(404, $"No such file: '{Errors.Clip(id)}'. Upload it with POST /v1/files first.", "file_not_found", param));
        return Purposes.Contains(file.Purpose)
            ? (file, null) : (null, Errors.BadRequest($"File '{id}' has purpose {file.Purpose}; upload it with purpose {string.Join(" or ", Purposes)}.", param: param));
    }
}
