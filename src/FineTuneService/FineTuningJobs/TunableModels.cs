using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Training;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.FineTuningJobs;

/// <summary>GET /v1/fine_tuning/models: what jobs on each base may ask for on this machine.</summary>
internal static class TunableModels
{
    public static void MapTunableModels(this IEndpointRouteBuilder app) =>
        app.MapGet("/v1/fine_tuning/models", List).WithTags("Fine-tuning").Needs(Access.Tenant)
            .WithSummary("Bases, with the limits of jobs on each").Answers(JobExamples.TunableModels);

    private static Task<IResult> List([AsParameters] PageQuery query, FineTuneDbContext db, ModelTexts texts, JobLimits limits, IOptions<FineTuneOptions> options) =>
        db.Models.AsNoTracking().Where(row => row.TenantId == "").PageOf(db, query, "model", model => Of(model, texts, limits, options.Value));

    private static TunableModel Of(ModelEntry model, ModelTexts texts, JobLimits limits, FineTuneOptions options)
    {
        try
        {
            ModelText.RequireWhole(model.Folder);
            ModelText text = texts.Of(model.Folder);
            return new TunableModel(model.Id, "fine_tuning.model")
            {
                Parameters = text.Config.ParameterCount,
                MaxSeqLength = text.Config.MaxPositions,
                MaxSteps = options.MaxJobSteps,
                HasChatTemplate = text.ChatTemplate is not null,
                Methods = ["supervised", "dpo"],
                Techniques = JobTechnique.Names,
                Quantization = [.. QuantizationTable.Names.Where(name => name != "as_stored" || GgufPath.Of(model.Folder) is not null).Select(name => Precision(model, name, limits))],
            };
        }
        catch (Exception damaged) when (damaged is ModelException or TensorFileException or IOException or UnauthorizedAccessException)
        {
            return new TunableModel(model.Id, "fine_tuning.model") { Error = $"The base cannot be used: {damaged.Message}" };
        }
    }

    /// <summary>Of the smallest job: one row of one token, with the usual adapter.</summary>
    private static TunablePrecision Precision(ModelEntry model, string name, JobLimits limits)
    {
        JobSettings settings = JobSettingsReader.Read(
            new CreateJobRequest { Model = model.Id, TrainingFile = "", Quantization = new QuantizationBody { Type = name } }, MachineDtype.Fastest == ComputeDtype.Bf16, out _)!;
        TrainingEstimate least = JobLimits.Estimate(model, settings, rows: 1, tokens: 1, longestRow: 1);
        return new TunablePrecision(name, least.Least.Base, least.Least.Total, limits.Refuse(least) is null);
    }
}

/// <summary>A base that jobs train on. Where it cannot be used, error says why, and there is nothing else.</summary>
public sealed record TunableModel(string Id, string Object)
{
    public long? Parameters { get; init; }

    /// <summary>Tokens after which a row is cut, at most.</summary>
    public int? MaxSeqLength { get; init; }

    /// <summary>Optimizer steps of a job, at most.</summary>
    public int? MaxSteps { get; init; }

    /// <summary>Without one, rows of messages need chat_template, or a prompt template.</summary>
    public bool? HasChatTemplate { get; init; }
    public IReadOnlyList<string>? Methods { get; init; }
    public IReadOnlyList<string>? Techniques { get; init; }
    public IReadOnlyList<TunablePrecision>? Quantization { get; init; }
    public string? Error { get; init; }
}

/// <param name="BaseBytes">Of the base in memory.</param>
/// <param name="LeastBytes">Of memory that the smallest job takes, the base with it.</param>
/// <param name="Fits">Whether FineTune:DeviceMemory has room for that.</param>
public sealed record TunablePrecision(string Type, long BaseBytes, long LeastBytes, bool Fits);
