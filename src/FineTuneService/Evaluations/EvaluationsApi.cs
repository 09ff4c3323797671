using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Evaluations;

/// <summary>/v1/evaluations: any number of models side by side on a file of rows that they were not trained on.</summary>
internal static class EvaluationsApi
{
    private const int MostModels = 16;

    /// <summary>What is uploaded for them is a dataset.</summary>
    private static readonly string[] Purposes = ["fine-tune", "evals"];

    public static void MapEvaluations(this IEndpointRouteBuilder app) =>
        app.MapGroup("/v1/evaluations").WithTags("Evaluations").Needs(Access.Tenant)
            .MapPost("", Evaluate).WithSummary("Loss, perplexity and token accuracy of models side by side on a file").Takes(EvaluationExamples.Request).Answers(EvaluationExamples.Answer);

    private static async Task<IResult> Evaluate(
        EvaluateRequest body, FineTuneDbContext db, CurrentTenant tenant, ModelCatalog catalog, Evaluating evaluating, TimeProvider clock, CancellationToken cancel)
    {
        if (body.Models.Count is 0 or > MostModels)
            return Errors.BadRequest($"models has {body.Models.Count} names; give 1 to {MostModels}, and the others in another call.", param: "models");
        if (body.Models.Any(string.IsNullOrEmpty)) return Errors.BadRequest("models holds a name that is empty or null; leave it out.", param: "models");
        if (body.Models.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            return Errors.BadRequest($"models names '{Errors.Clip(twice.Key)}' twice; once is enough.", param: "models");
        if (await db.Files.AsNoTracking().FirstOrDefaultAsync(row => row.Id == body.File, cancel) is not { } file)
            return Errors.Make(404, $"No such file: '{Errors.Clip(body.File)}'. Upload it with POST /v1/files first.", "file_not_found", "file");
        if (!Purposes.Contains(file.Purpose))
            return Errors.BadRequest($"File '{body.File}' has purpose {file.Purpose}; upload it with purpose {string.Join(" or ", Purposes)}.", param: "file");
        var models = new List<ServedModel>();
        foreach (string name in body.Models)
        {
            if (await catalog.Find(name, null, cancel) is not { } served) return Errors.ModelNotFound(name, "models");
            models.Add(served);
        }
        (Evaluated? evaluated, EvaluationRefusal? refusal) = await evaluating.Run(tenant.Id, file, models, cancel);
        if (refusal?.Kind == EvaluationRefusalKind.ModelUnusable)
        {
            // One of them may have been deleted since it was found.
            foreach (string name in body.Models)
            {
                if (await catalog.Find(name, null, cancel) is null) return Errors.ModelNotFound(name, "models");
            }
        }
        return refusal is null
            ? Results.Ok(new EvaluationBody(
                Ids.New("eval"), "evaluation", clock.GetUtcNow().ToUnixTimeSeconds(), file.Id, evaluated!.Rows, evaluated.Results, evaluated.Warnings))
            : Refuse(refusal);
    }

    private static IResult Refuse(EvaluationRefusal refusal) => refusal.Kind switch
    {
        EvaluationRefusalKind.BadRows => Errors.Unprocessable(refusal.Message, "invalid_evaluation_file", "file"),
        EvaluationRefusalKind.TooManyRows => Errors.BadRequest(refusal.Message, param: "file"),
        EvaluationRefusalKind.ModelUnusable => Errors.Make(503, refusal.Message, "model_unusable", "models"),
        _ => Errors.Busy(refusal.Message),
    };
}
