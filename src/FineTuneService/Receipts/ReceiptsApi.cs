using FineTuneService.Adapters;
using FineTuneService.Data;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Receipts;

/// <summary>The body of POST …/reproduce: what to train on instead, where the job's own file is gone or in doubt.</summary>
public sealed record ReproduceRequest(string? TrainingFile = null, string? ValidationFile = null, string? TestFile = null);

/// <summary>Whether a training came to the same bytes again.</summary>
/// <param name="Job">The job that trained again; absent where what goes in differs already, and nothing was trained.</param>
/// <param name="Differs">What is not as the receipt says: training_file, validation_file, test_file, base, code, machine; and adapter where the bytes came out otherwise.</param>
public sealed record ReproductionBody(string Object, bool Equal, IReadOnlyList<string> Differs, string? Job);

/// <summary>Receipts of adapters, and trainings done again.</summary>
internal static class ReceiptsApi
{
    private const string Uploaded = "it was uploaded without one, or made by an earlier version of the service";
    private const string Combined = "it was combined of other adapters, which its lineage names with their hashes, and follows from them";

    public static void MapReceipts(this IEndpointRouteBuilder app)
    {
        app.MapGet("/v1/adapters/{id}/receipt", Get).WithTags("Adapters").Needs(Access.Tenant).WithSummary("What an adapter was made of, signed").Answers(ReceiptExamples.Receipt);
        app.MapGet("/v1/models/{id}/receipt", GetOfModel).WithTags("Models").Needs(Access.Tenant).WithSummary("What a fine-tuned model was made of, signed").Answers(ReceiptExamples.Receipt);
        app.MapPost("/v1/fine_tuning/jobs/{id}/reproduce", Reproduce).WithTags("Fine-tuning").Needs(Access.Tenant)
            .WithSummary("Train a job again, and tell whether its adapter comes out the same; the answer waits for the training").Takes(ReceiptExamples.Reproduce).Answers(ReceiptExamples.Reproduced);
    }

    private static async Task<IResult> Get(string id, FineTuneDbContext db)
    {
        if (await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is not { } adapter) return Errors.NotFound("adapter", id);
        return ReceiptCheck.Folder(adapter.Folder).Receipt is { } receipt ? Results.Ok(receipt)
            : Errors.Make(404, $"This adapter has no receipt: {(adapter.Combination is null ? Uploaded : Combined)}.", "no_receipt");
    }

    private static async Task<IResult> GetOfModel(string id, FineTuneDbContext db, CancellationToken cancel)
    {
        if (await JobProduct.Find(db, id, cancel) is not { } product)
        {
            return await db.Models.AnyAsync(row => row.Id == id, cancel)
                ? Errors.Make(404, $"'{Errors.Clip(id)}' is a base model, which was not trained here. The receipts of what was trained on it have its hash.", "no_receipt") : Errors.ModelNotFound(id);
        }
        if (ReceiptCheck.Folder(product.Folder).Receipt is { } receipt) return Results.Ok(receipt);
        string why = product.Whole?.AdapterId is { } of && of.StartsWith("ad-", StringComparison.Ordinal)
            ? $"it was merged of adapter '{of}' and its base, and follows from them; GET /v1/adapters/{of}/receipt has the adapter's" : product.Adapter?.Combination is null ? Uploaded : Combined;
        return Errors.Make(404, $"This model has no receipt: {why}.", "no_receipt");
    }

    private static async Task<IResult> Reproduce(
        string id, ReproduceRequest? body, FineTuneDbContext db, Reproduction reproduction, AdapterStore adapters, ModelStore models, JobCheckpoints checkpoints, CancellationToken cancel)
    {
        if (await db.Jobs.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is not { } job) return Errors.NotFound("fine-tuning job", id);
        if (job.Status != JobStatus.Succeeded) return Errors.Conflict($"The job is {job.Status}; only one that has succeeded can be reproduced.", "job_not_succeeded");
        if (await JobProduct.Find(db, job.FineTunedModel, cancel) is not { } made || ReceiptCheck.Folder(made.Folder).Receipt is not { } receipt)
            return Errors.Conflict("What the job came to was deleted, or has no receipt, so there is nothing to compare with.", "no_receipt");
        (FineTuningJob? again, List<string> differs, IResult? refusal) = await reproduction.Begin(job, receipt, body ?? new(), cancel);
        if (refusal is not null) return refusal;
        if (again is null) return Results.Ok(new ReproductionBody("fine_tuning.job.reproduction", false, differs, null));
        FineTuningJob ended = await reproduction.Ended(again.Id, cancel);
        if (ended.Status != JobStatus.Succeeded)
            return Errors.Conflict($"Job '{again.Id}', which was to train it again, is {ended.Status}; its events say why.", "reproduction_failed");
        if (await JobProduct.Find(db, ended.FineTunedModel, cancel) is not { } second) return Errors.Conflict($"What job '{again.Id}' came to was deleted before it was compared; ask again.", "reproduction_failed");
        bool equal = ReceiptCheck.Folder(second.Folder).Receipt is { } other && Weights(other).SequenceEqual(Weights(receipt));
        if (second.Adapter is not null) await adapters.Delete(second.Adapter);
        else await models.Delete(second.Whole!);
        await checkpoints.RemoveAll(again.Id);
        return Results.Ok(new ReproductionBody("fine_tuning.job.reproduction", equal, equal ? [] : [.. differs, "adapter"], again.Id));
    }

    /// <summary>The trained bytes: an adapter's one file, or a model's one or more.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Weights(Receipt receipt) =>
        receipt.Adapter.Files.Where(file => file.Key.EndsWith(".safetensors", StringComparison.Ordinal)).OrderBy(file => file.Key, StringComparer.Ordinal);
}
