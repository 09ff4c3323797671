using FineTuneService.Adapters;
using FineTuneService.Data;
using FineTuneService.Engine.Lora;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
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
    public static void MapReceipts(this IEndpointRouteBuilder app)
    {
        app.MapGet("/v1/adapters/{id}/receipt", Get).WithTags("Adapters").Needs(Access.Tenant).WithSummary("What an adapter was made of, signed").Answers(ReceiptExamples.Receipt);
        app.MapPost("/v1/fine_tuning/jobs/{id}/reproduce", Reproduce).WithTags("Fine-tuning").Needs(Access.Tenant)
            .WithSummary("Train a job again, and tell whether its adapter comes out the same; the answer waits for the training").Takes(ReceiptExamples.Reproduce).Answers(ReceiptExamples.Reproduced);
    }

    private static async Task<IResult> Get(string id, FineTuneDbContext db)
    {
        if (await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is not { } adapter) return Errors.NotFound("adapter", id);
        return ReceiptCheck.Folder(adapter.Folder).Receipt is { } receipt ? Results.Ok(receipt)
            : Errors.Make(404, "This adapter has no receipt: it was uploaded without one, or made by an earlier version of the service.", "no_receipt");
    }

    private static async Task<IResult> Reproduce(
        string id, ReproduceRequest? body, FineTuneDbContext db, Reproduction reproduction, AdapterStore adapters, CancellationToken cancel)
    {
        if (await db.Jobs.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is not { } job) return Errors.NotFound("fine-tuning job", id);
        if (job.Status != JobStatus.Succeeded) return Errors.Conflict($"The job is {job.Status}; only one that has succeeded can be reproduced.", "job_not_succeeded");
        AdapterEntry? made = await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Model == job.FineTunedModel, cancel);
        if (made is null || ReceiptCheck.Folder(made.Folder).Receipt is not { } receipt)
            return Errors.Conflict("The job's adapter was deleted, or has no receipt, so there is nothing to compare with.", "no_receipt");
        (FineTuningJob? again, List<string> differs, IResult? refusal) = await reproduction.Begin(job, receipt, body ?? new(), cancel);
        if (refusal is not null) return refusal;
        if (again is null) return Results.Ok(new ReproductionBody("fine_tuning.job.reproduction", false, differs, null));
        FineTuningJob ended = await reproduction.Ended(again.Id, cancel);
        if (ended.Status != JobStatus.Succeeded)
            return Errors.Conflict($"Job '{again.Id}', which was to train it again, is {ended.Status}; its events say why.", "reproduction_failed");
        AdapterEntry second = await db.Adapters.AsNoTracking().FirstAsync(row => row.Model == ended.FineTunedModel, cancel);
        bool equal = ReceiptCheck.Folder(second.Folder).Receipt is { } other && other.Adapter.Files.GetValueOrDefault(PeftFolder.WeightsFile) == receipt.Adapter.Files.GetValueOrDefault(PeftFolder.WeightsFile);
        await adapters.Delete(second);
        return Results.Ok(new ReproductionBody("fine_tuning.job.reproduction", equal, equal ? [] : [.. differs, "adapter"], again.Id));
    }
}
