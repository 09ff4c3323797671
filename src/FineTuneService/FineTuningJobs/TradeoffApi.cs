using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>POST /v1/fine_tuning/tradeoff: the articles' table of memory, time and loss, of this base and these rows on this machine.</summary>
internal static class TradeoffApi
{
    private const int MostSteps = 20, LargestBatch = 32, MostNames = 8;

    private static readonly string[] Precisions = ["none", "int8", "nf4", "fp4"], Optimizers = ["adamw", "sgd"];

    public static void MapTradeoff(this IEndpointRouteBuilder app) =>
        app.MapPost("/v1/fine_tuning/tradeoff", Measure).WithTags("Fine-tuning").Needs(Access.Tenant)
            .WithSummary("A few measured steps of each precision and optimizer; the answer waits for them").Takes(TradeoffExamples.Request).Answers(TradeoffExamples.Answer);

    private static async Task<IResult> Measure(
        TradeoffRequest body, FineTuneDbContext db, TrainingDataReader reader, ModelCatalog catalog, JobLimits limits, Tradeoff tradeoff, CurrentTenant tenant, CancellationToken cancel)
    {
        if (Problem(body) is { } problem) return Errors.BadRequest(problem.Message + ".", param: problem.Param);
        var asked = new List<(TradeoffRow Row, JobSettings Settings)>();
        ModelEntry? model = null;
        foreach ((string precision, string optimizer) in (body.Precisions ?? Precisions).SelectMany(precision => (body.Optimizers ?? Optimizers).Select(optimizer => (precision, optimizer))))
        {
            CreateJobRequest job = Job(body, precision, optimizer);
            (IResult? refusal, model, _) = await FineTuningJobsApi.Check(job, db, catalog, cancel);
            if (refusal is not null) return refusal;
            (JobSettings settings, _) = await FineTuningJobsApi.Settings(job, db, cancel);
            asked.Add((new TradeoffRow(precision, optimizer, settings.Precision.Dtype.ToString().ToLowerInvariant(), null, null, null), settings));
        }
        FileBytes file = FileBytes.Of(await db.Files.AsNoTracking().FirstAsync(row => row.Id == body.TrainingFile, cancel));
        using TrainingData data = await reader.Read(new JobFileBytes(file, null, null), model!.Folder, asked[0].Settings, cancel);
        if (data.Error is { } error) return Errors.Unprocessable($"The dataset cannot be trained on. {error.Message}", error.Code, error.Param);
        var rows = new List<TradeoffRow>();
        JobError? tooMuch = null;
        foreach ((TradeoffRow row, JobSettings settings) in asked)
        {
            JobError? refused = limits.Refuse(JobLimits.Estimate(model, settings, data));
            tooMuch = refused ?? tooMuch;
            rows.Add(refused is not null ? row with { Refused = refused.Message } : await tradeoff.Measure(row, tenant.Id, model, settings.Precision, settings.For(data.Train.Count), data.Train, cancel));
        }
        return rows.TrueForAll(row => row.Refused is not null) && tooMuch is not null ? Errors.Unprocessable(tooMuch.Message, tooMuch.Code, tooMuch.Param)
            : Results.Ok(new TradeoffBody("fine_tuning.tradeoff", body.Model, data.Train.Count, Steps(body), rows));
    }

    private static JobBodyProblem? Problem(TradeoffRequest body)
    {
        if (body.Steps is < 1 or > MostSteps) return new("steps", $"steps must be 1 to {MostSteps}: each precision and optimizer trains so many");
        if (body.BatchSize is < 1 or > LargestBatch) return new("batch_size", $"batch_size must be 1 to {LargestBatch}");
        if (body.Precisions is { Count: 0 or > MostNames }) return new("precisions", $"precisions must be 1 to {MostNames} of none, int8, nf4, fp4 and as_stored");
        if (body.Optimizers is { Count: 0 or > MostNames }) return new("optimizers", $"optimizers must be 1 to {MostNames} names");
        return body.Dataset is { ValidationSplit: > 0 } or { TestFile: not null } ? new("dataset", "a tradeoff only trains; leave validation_split and test_file out") : null;
    }

    private static int Steps(TradeoffRequest body) => body.Steps ?? 3;

    /// <summary>The job that such a run is the beginning of.</summary>
    private static CreateJobRequest Job(TradeoffRequest body, string precision, string optimizer)
    {
        int batch = body.BatchSize ?? 4, most = Steps(body) * batch;
        return new CreateJobRequest
        {
            Model = body.Model,
            TrainingFile = body.TrainingFile,
            Seed = body.Seed,
            Lora = body.Lora,
            Quantization = new QuantizationBody { Type = precision },
            Training = new TrainingBody
            {
                Optimizer = optimizer,
                LearningRate = optimizer == "sgd" ? 0.1 : null,
                Momentum = optimizer == "sgd" ? 0.9 : null,
                LrScheduler = "constant",
                Warmup = 0,
                BatchSize = batch,
                MaxSteps = Steps(body),
                MaxSeqLength = body.MaxSeqLength ?? 512,
                GradientCheckpointing = body.GradientCheckpointing,
            },
            Dataset = (body.Dataset ?? new()) with { MaxRows = Math.Min(body.Dataset?.MaxRows ?? most, most) },
        };
    }
}
