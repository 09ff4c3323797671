using FineTuneService.Data;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Validation;

/// <summary>What a job would make of a file, before there is a job: read by the job's own reader.</summary>
internal static class ValidationApi
{
    private const int MostExamples = 20;

    /// <summary>Of what is uploaded as a dataset.</summary>
    private static readonly string[] Purposes = ["fine-tune", "evals"];

    public static void MapValidation(this IEndpointRouteBuilder app) => app.MapPost("/v1/files/{id}/validate", Validate).WithTags("Files").Needs(Access.Tenant)
        .WithSummary("What a job would train on: rows, lengths, problems, what is cut, and examples token by token").Takes(ValidationExamples.Request).Answers(ValidationExamples.Body);

    private static async Task<IResult> Validate(string id, ValidateFileRequest body, FineTuneDbContext db, ModelCatalog catalog, FileCheck check, CancellationToken cancel)
    {
        if (body.Examples is < 0 or > MostExamples) return Errors.BadRequest($"examples must be 0 to {MostExamples}.", param: "examples");
        if (JobSettingsReader.Read(body.AsJob(id), fastBf16: false, out JobBodyProblem? problem) is not { } settings) return Errors.BadRequest(problem!.Message + ".", param: problem.Param);
        if (await db.Files.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is not { } file) return Errors.NotFound("file", id);
        if (!Purposes.Contains(file.Purpose)) return Errors.BadRequest($"File '{id}' has purpose {file.Purpose}, and is no dataset; upload it with purpose {string.Join(" or ", Purposes)}.");
        if (await catalog.FindBase(body.Model, cancel) is not { } model) return await catalog.NoBase(body.Model, cancel);
        try
        {
            return Results.Ok(await check.Run(file, model, settings, body.Examples ?? 0, cancel));
        }
        catch (TimeoutException)
        {
            return Errors.BadRequest("Reading the file takes too long; validate fewer rows with dataset.max_rows, or simplify the model's chat template.", param: "dataset.max_rows");
        }
    }
}
