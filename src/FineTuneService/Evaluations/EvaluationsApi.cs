using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Evaluations;

/// <summary>/v1/evaluations: any number of models side by side on what they were not trained on.</summary>
internal static class EvaluationsApi
{
    private const int MostModels = 16;

    public static void MapEvaluations(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder evaluations = app.MapGroup("/v1/evaluations").WithTags("Evaluations").Needs(Access.Tenant);
        evaluations.MapPost("", Evaluate).WithSummary("Models side by side: loss on a file, the harness's tasks, answers to the same prompts").Takes(EvaluationExamples.Request).Answers(EvaluationExamples.Answer);
        evaluations.MapGet("", List).WithSummary("List evaluations").Answers(EvaluationExamples.Evaluations);
        evaluations.MapGet("/{id}", Get).WithSummary("Get an evaluation").Answers(EvaluationExamples.Answer);
        evaluations.MapDelete("/{id}", Delete).WithSummary("Delete an evaluation").Answers(EvaluationExamples.Deleted);
    }

    private static async Task<IResult> Evaluate(
        EvaluateRequest body, EvaluationReader reader, EvaluationStore store, CurrentTenant tenant, ModelCatalog catalog, Evaluating evaluating, TimeProvider clock, CancellationToken cancel)
    {
        if (body.Models.Count is 0 or > MostModels)
            return Errors.BadRequest($"models has {body.Models.Count} names; give 1 to {MostModels}, and the others in another call.", param: "models");
        if (body.Models.Any(string.IsNullOrEmpty)) return Errors.BadRequest("models holds a name that is empty or null; leave it out.", param: "models");
        if (body.Models.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            return Errors.BadRequest($"models names '{Errors.Clip(twice.Key)}' twice; once is enough.", param: "models");
        (EvaluationPlan? plan, IResult? refused) = await reader.Read(body, cancel);
        if (refused is not null) return refused;
        var models = new List<ServedModel>();
        foreach (string name in body.Models)
        {
            if (await catalog.Find(name, null, cancel) is not { } served) return Errors.ModelNotFound(name, "models");
            models.Add(served);
        }
        try
        {
            Evaluated evaluated = await evaluating.Run(new EvaluatedFor(tenant.Id, tenant.KeyId), plan!, models, cancel);
            var answer = new EvaluationBody(
                Ids.New("eval"), "evaluation", clock.GetUtcNow().ToUnixTimeSeconds(), plan!.File?.Id, evaluated.Rows, evaluated.Results, evaluated.Warnings)
            {
                Dataset = body.Dataset,
                Tasks = body.Tasks,
                NumFewshot = body.NumFewshot,
                Limit = body.Limit,
            };
            return Results.Ok(await store.Add(answer, tenant.Id));
        }
        catch (EvaluationRefused refusal)
        {
            return await Refuse(refusal.Refusal, body.Models, catalog, cancel);
        }
    }

    private static Task<IResult> List([AsParameters] PageQuery query, FineTuneDbContext db) =>
        db.Evaluations.AsNoTracking().PageOf(db, query, "evaluation", EvaluationStore.Body);

    private static async Task<IResult> Get(string id, FineTuneDbContext db) =>
        await db.Evaluations.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is { } evaluation
            ? Results.Ok(EvaluationStore.Body(evaluation)) : Errors.NotFound("evaluation", id);

    private static async Task<IResult> Delete(string id, FineTuneDbContext db) =>
        await db.Evaluations.Where(row => row.Id == id).ExecuteDeleteAsync() == 1 ? Results.Ok(new Deleted(id, "evaluation")) : Errors.NotFound("evaluation", id);

    private static async Task<IResult> Refuse(EvaluationRefusal refusal, IReadOnlyList<string> models, ModelCatalog catalog, CancellationToken cancel)
    {
        switch (refusal.Kind)
        {
            case EvaluationRefusalKind.BadRows: return Errors.Unprocessable(refusal.Message, "invalid_evaluation_file", refusal.Param);
            case EvaluationRefusalKind.TooManyRows: return Errors.BadRequest(refusal.Message, param: refusal.Param);
            case EvaluationRefusalKind.BadTask: return Errors.BadRequest(refusal.Message, "invalid_task", refusal.Param);
            case EvaluationRefusalKind.Full: return Errors.Busy(refusal.Message);
        }
        // One of them may have been deleted since it was found.
        foreach (string name in models)
        {
            if (await catalog.Find(name, null, cancel) is null) return Errors.ModelNotFound(name, "models");
        }
        return Errors.Make(503, refusal.Message, "model_unusable", refusal.Param);
    }
}
