using FineTuneService.Data;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Training;
using FineTuneService.Evaluations;
using FineTuneService.Hosting;
using FineTuneService.Integrations;
using FineTuneService.Models;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.FineTuningJobs;

/// <summary>OpenAI's /v1/fine_tuning/jobs, and estimates.</summary>
internal static class FineTuningJobsApi
{
    public static void MapFineTuningJobs(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder jobs = app.MapGroup("/v1/fine_tuning/jobs").WithTags("Fine-tuning").Needs(Access.Tenant);
        jobs.MapPost("", Create).WithSummary("Create a fine-tuning job").Takes(JobExamples.Create).Answers(JobExamples.Created);
        jobs.MapPost("/estimate", Estimate).WithSummary("What a job would take").Takes(JobExamples.Create).Answers(JobExamples.Estimate);
        jobs.MapGet("", List).WithSummary("List jobs").Answers(JobExamples.Jobs);
        jobs.MapGet("/{id}", Get).WithSummary("Get a job").Answers(JobExamples.Succeeded);
        jobs.MapGet("/{id}/events", Events).WithSummary("A job's events: a list, or a stream with Accept: text/event-stream").Answers(JobExamples.Events).Streams(JobExamples.EventStream);
        jobs.MapGet("/{id}/checkpoints", Checkpoints).WithSummary("A job's checkpoints").Answers(JobExamples.Checkpoints);
    }

    private static async Task<IResult> Create(
        CreateJobRequest body, FineTuneDbContext db, ModelCatalog catalog, EvaluationReader tasks, TaskData taskData, JobLimits limits, JobAdmission admission, IOptions<FineTuneOptions> options, TimeProvider clock, CancellationToken cancel)
    {
        if (JobIntegrations.Refuse(body.Integrations, options.Value.Mlflow) is { } noIntegration) return noIntegration;
        body = await AdapterStart.OnItsBase(body, catalog, cancel);
        (IResult? refusal, _, TrainingEstimate? least) = await Check(body, db, catalog, cancel);
        if (refusal is not null) return refusal;
        if (await RefuseTasks(body.Evaluate, tasks, taskData, cancel) is { } noTask) return noTask;
        if (limits.Refuse(least!) is { } tooMuch) return Errors.Unprocessable(tooMuch.Message, tooMuch.Code, tooMuch.Param);
        (JobSettings settings, IResult? notThere) = await Settings(body, db, cancel);
        if (notThere is not null) return notThere;
        (FineTuningJob? job, IResult? notTaken) = await admission.Add(body, settings, least!.AdapterBytes);
        return notTaken ?? Results.Ok(JobBody.Of(job!, null, clock));
    }

    /// <summary>A task without data is told of now, and not once the training has ended.</summary>
    private static async Task<IResult?> RefuseTasks(EvaluateBody? evaluate, EvaluationReader reader, TaskData data, CancellationToken cancel)
    {
        if (evaluate is null) return null;
        (IReadOnlyList<PlannedTask> tasks, IResult? refusal) = await reader.Plan(evaluate.Tasks, evaluate.TaskFiles, evaluate.NumFewshot, "evaluate.", cancel);
        return refusal ?? (tasks.Select(data.Missing).FirstOrDefault(missing => missing is not null) is { } none ? Errors.BadRequest(none, "invalid_task", "evaluate.tasks") : null);
    }

    private static async Task<IResult> Estimate(
        CreateJobRequest body, bool? measure, FineTuneDbContext db, CurrentTenant tenant, TrainingDataReader reader, ModelCatalog catalog, JobLimits limits, StepTime time, CancellationToken cancel)
    {
        body = await AdapterStart.OnItsBase(body, catalog, cancel);
        (IResult? refusal, ModelEntry? model, _) = await Check(body, db, catalog, cancel);
        if (refusal is not null) return refusal;
        (JobSettings settings, IResult? notThere) = await Settings(body, db, cancel);
        if (notThere is not null) return notThere;
        FileBytes training = FileBytes.Of(await db.Files.AsNoTracking().FirstAsync(row => row.Id == body.TrainingFile, cancel));
        FileBytes? validation = body.ValidationFile is { } id ? FileBytes.Of(await db.Files.AsNoTracking().FirstAsync(row => row.Id == id, cancel)) : null;
        FileBytes? test = body.Dataset?.TestFile is { } testId ? FileBytes.Of(await db.Files.AsNoTracking().FirstAsync(row => row.Id == testId, cancel)) : null;
        using TrainingData data = await reader.Read(new JobFileBytes(training, validation, test), model!.Folder, settings, cancel);
        if (data.Error is { } error) return Errors.Unprocessable($"The dataset cannot be trained on. {error.Message}", error.Code, error.Param);
        if (settings.TooManySteps(data.Train.Count) is { } tooMany) return Errors.BadRequest(tooMany.Message + ".", param: tooMany.Param);
        TrainingEstimate estimate = JobLimits.Estimate(model, settings, data);
        string[] tooMuch = (limits.Refuse(estimate)?.Message ?? limits.Divided(estimate)) is { } message ? [message] : [];
        return Results.Ok(new EstimateBody(
            "fine_tuning.job.estimate", estimate.TrainableParameters, estimate.TotalParameters, data.Train.Count, data.Validation.Count, data.Truncated, estimate.Steps,
            estimate.Tokens, estimate.AdapterBytes, estimate.Memory, [.. JobAdvice.Of(settings, data.Format, data.Train.Count), .. data.Warnings, .. tooMuch],
            limits.Refuse(estimate) is null ? await time.OfAllSteps(settings, data, model, estimate, tenant.Id, measure == true, cancel) : null));
    }

    private static async Task<IResult> List([AsParameters] PageQuery query, string? status, string? model, FineTuneDbContext db, TimeProvider clock, HttpRequest request)
    {
        if (!string.IsNullOrEmpty(status) && !JobStatus.All.Contains(status)) return Errors.BadRequest($"status must be one of {string.Join(", ", JobStatus.All)}.", param: "status");
        return MetadataFilter.Refuse(request.Query) ?? await db.Jobs.AsNoTracking()
            .Where(job => (string.IsNullOrEmpty(status) || job.Status == status) && (string.IsNullOrEmpty(model) || job.Model == model))
            .WithMetadata(request.Query, db).PageOf(db, query, "fine-tuning job", job => JobBody.Of(job, null, clock));
    }

    private static async Task<IResult> Get(string id, FineTuneDbContext db, TimeProvider clock) =>
        await db.Jobs.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is { } job
            ? Results.Ok(JobBody.Of(job, await QueuePosition(job, db), clock)) : Errors.NotFound("fine-tuning job", id);

    private static async Task<IResult> Events(string id, [AsParameters] PageQuery query, FineTuneDbContext db, JobEventStream stream, HttpContext context, CancellationToken cancel)
    {
        if (!await db.Jobs.AnyAsync(row => row.Id == id, cancel)) return Errors.NotFound("fine-tuning job", id);
        if (context.Request.Headers.Accept.ToString().Contains("text/event-stream"))
            return await stream.Send(id, context.Request.Headers["Last-Event-ID"].FirstOrDefault() ?? query.After, db, context.Response, cancel);
        return await db.JobEvents.AsNoTracking().Where(row => row.JobId == id).PageOf(db, query, "event", EventBody.Of, among: db.JobEvents.Where(row => row.JobId == id));
    }

    private static async Task<IResult> Checkpoints(string id, [AsParameters] PageQuery query, FineTuneDbContext db) =>
        await db.Jobs.AnyAsync(row => row.Id == id)
            ? await db.Checkpoints.AsNoTracking().Where(row => row.JobId == id && row.Model != null).PageOf(db, query, "checkpoint", CheckpointBody.Of) : Errors.NotFound("fine-tuning job", id);

    /// <summary>What can be said before the files are read.</summary>
    /// <returns>A refusal, or the base and the least that a job like this takes.</returns>
    internal static async Task<(IResult? Refusal, ModelEntry? Model, TrainingEstimate? Least)> Check(CreateJobRequest body, FineTuneDbContext db, ModelCatalog catalog, CancellationToken cancel)
    {
        JobSettings? settings = JobSettingsReader.Read(body, MachineDtype.Fastest == ComputeDtype.Bf16, out JobBodyProblem? problem);
        if (problem is not null) return (Errors.BadRequest(problem.Message + ".", param: problem.Param), null, null);
        if (await catalog.FindBase(body.Model, cancel) is not { } model) return (await catalog.NoBase(body.Model, cancel), null, null);
        if (settings!.Precision.Quantization == QuantizationType.AsStored && GgufPath.Of(model.Folder) is null)
            return (Errors.BadRequest("quantization 'as_stored' is for bases that are GGUF files; use none, int8, nf4 or fp4.", param: "quantization.type"), null, null);
        (settings, IResult? notThere) = await AdapterStart.Add(body, settings, db, cancel);
        if (notThere is not null) return (notThere, null, null);
        (TrainingEstimate? least, JobBodyProblem? misfit) = Least(settings, model, body);
        if (misfit is not null) return (Errors.BadRequest(misfit.Message + ".", param: misfit.Param), null, null);
        foreach ((string param, string? id) in new[] { ("training_file", body.TrainingFile), ("validation_file", body.ValidationFile), ("dataset.test_file", body.Dataset?.TestFile) })
        {
            if (id is null) continue;
            if (await db.Files.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is not { } file) return (JobAdmission.FileNotFound(param, id), null, null);
            if (file.Purpose != "fine-tune") return (Errors.BadRequest($"File '{id}' has purpose {file.Purpose}; upload it with purpose fine-tune.", param: param), null, null);
        }
        return (null, model, least);
    }

    /// <summary>The settings of a body that <see cref="Check"/> has passed.</summary>
    internal static Task<(JobSettings Settings, IResult? Refusal)> Settings(CreateJobRequest body, FineTuneDbContext db, CancellationToken cancel) =>
        AdapterStart.Add(body, JobSettingsReader.Read(body, MachineDtype.Fastest == ComputeDtype.Bf16, out _)!, db, cancel);

    /// <summary>What one row of one token takes, or why the adapter does not fit the base: the Engine reads nothing but the base's config for it.</summary>
    private static (TrainingEstimate? Least, JobBodyProblem? Misfit) Least(JobSettings settings, ModelEntry model, CreateJobRequest body)
    {
        try
        {
            return (JobLimits.Estimate(model, settings, rows: 1, tokens: 1, longestRow: 1), null);
        }
        catch (ArgumentException misfit)
        {
            string option = misfit is LoraOptionException lora ? JobLora.Spelling(lora.Option, body.Lora) : "target_modules";
            return (null, new(settings.LlamaAdapter is null ? $"lora.{option}" : "llama_adapter.adapter_layers", misfit.Message));
        }
    }

    /// <summary>The tenant's own jobs that are before it: what others have in the queue is not its business, and tenants take turns.</summary>
    private static async Task<int?> QueuePosition(FineTuningJob job, FineTuneDbContext db) => job.Status != JobStatus.Queued
        ? null : await db.Jobs.CountAsync(row => row.Status == JobStatus.Running
            || (row.Status == JobStatus.Queued && (row.Priority > job.Priority || (row.Priority == job.Priority && row.Number < job.Number))));
}
