using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Operators;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Batches;

/// <summary>OpenAI's /v1/batches.</summary>
internal static class BatchesApi
{
    private const int MostUnderWay = 100, MostLabels = 16, LongestLabel = 64, LongestText = 512;
    private const long WindowSeconds = 24 * 3600, MostBytes = 200L << 20;

    public static void MapBatches(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder batches = app.MapGroup("/v1/batches").WithTags("Batches").Needs(Access.Tenant);
        batches.MapPost("", Create).WithSummary("Answer a file of requests when there is room").Takes(BatchExamples.Create).Answers(BatchExamples.Created);
        batches.MapGet("", List).WithSummary("List batches").Answers(BatchExamples.Batches);
        batches.MapGet("/{id}", Get).WithSummary("Get a batch").Answers(BatchExamples.Completed);
        batches.MapPost("/{id}/cancel", Cancel).WithSummary("Cancel a batch; what is answered already is kept").Answers(BatchExamples.Cancelling).TakenWhileDrained();
    }

    private static async Task<IResult> Create(CreateBatchRequest body, CurrentTenant tenant, FineTuneDbContext db, BatchSignal signal, TimeProvider clock)
    {
        if (!BatchRequests.Endpoints.Contains(body.Endpoint)) return Errors.BadRequest($"endpoint must be {string.Join(" or ", BatchRequests.Endpoints)}.", param: "endpoint");
        if (body.CompletionWindow != "24h") return Errors.BadRequest("completion_window must be 24h.", param: "completion_window");
        if (body.Metadata is { } labels && (labels.Count > MostLabels || labels.Any(label => label.Key.Length > LongestLabel || label.Value is not { Length: <= LongestText })))
            return Errors.BadRequest($"metadata is up to {MostLabels} labels, names of up to {LongestLabel} characters and texts of up to {LongestText}.", param: "metadata");
        if (body.OutputExpiresAfter?.Check("output_expires_after") is { } wrong) return wrong;
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        // The file's bytes are the batch's in the transaction that makes it.
        (Batch? batch, IResult? refusal) = await db.InTransaction<(Batch?, IResult?)>(async () =>
        {
            if (await db.Files.AsNoTracking().FirstOrDefaultAsync(row => row.Id == body.InputFileId) is not { } input)
                return (null, Errors.Make(404, $"No such file: '{Errors.Clip(body.InputFileId)}'. Upload it with POST /v1/files first.", "file_not_found", "input_file_id"));
            if (input.Purpose != "batch") return (null, Errors.BadRequest($"File '{input.Id}' has purpose {input.Purpose}; upload it with purpose batch.", param: "input_file_id"));
            if (input.Bytes > MostBytes) return (null, Errors.BadRequest($"File '{input.Id}' has {input.Bytes} bytes; a batch takes {MostBytes}.", param: "input_file_id"));
            if (await db.Batches.CountAsync(row => BatchStatus.UnderWay.Contains(row.Status)) >= MostUnderWay)
                return (null, Errors.Make(429, $"You have {MostUnderWay} batches under way; wait for one to end, or cancel one.", "too_many_batches"));
            var made = new Batch
            {
                Id = Ids.New("batch"),
                TenantId = tenant.Id,
                KeyId = tenant.KeyId,
                Endpoint = body.Endpoint,
                InputFileId = input.Id,
                InputSha256 = input.Sha256,
                Status = BatchStatus.Validating,
                Metadata = body.Metadata is null ? null : JsonSerializer.Serialize(body.Metadata),
                OutputExpiresAfter = body.OutputExpiresAfter?.Seconds,
                CreatedAt = now,
                ExpiresAt = now + WindowSeconds,
            };
            db.Batches.Add(made);
            await db.SaveChangesAsync();
            return (made, null);
        });
        if (batch is null) return refusal!;
        signal.Came();
        return Results.Ok(BatchBody.Of(batch));
    }

    private static Task<IResult> List([AsParameters] PageQuery query, FineTuneDbContext db) => db.Batches.AsNoTracking().PageOf(db, query, "batch", BatchBody.Of);

    private static async Task<IResult> Get(string id, FineTuneDbContext db) =>
        await db.Batches.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is { } batch ? Results.Ok(BatchBody.Of(batch)) : Errors.NotFound("batch", id);

    private static async Task<IResult> Cancel(string id, FineTuneDbContext db, BatchSignal signal, TimeProvider clock)
    {
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        int cancelled = await db.Batches.Where(row => row.Id == id && (row.Status == BatchStatus.Validating || row.Status == BatchStatus.InProgress))
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.Status, BatchStatus.Cancelling).SetProperty(row => row.CancellingAt, now));
        if (await db.Batches.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is not { } batch) return Errors.NotFound("batch", id);
        if (cancelled == 0 && batch.Status is not (BatchStatus.Cancelling or BatchStatus.Cancelled))
            return Errors.Conflict($"The batch is {batch.Status}; only one that is under way can be cancelled.", "batch_ended");
        signal.Cancelled(id);
        return Results.Ok(BatchBody.Of(batch));
    }
}
