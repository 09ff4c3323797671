using System.Text.Json;
using FineTuneService.Completions;
using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Batches;

/// <summary>A batch's way through its lines. What each comes to is a row at once, so a process that dies loses the lines under way only.</summary>
internal sealed class BatchRun(IServiceScopeFactory scopes, BlobStore blobs, BatchAnswers answers, Answering answering, TimeProvider clock)
{
    /// <summary>Lines under way at once.</summary>
    private const int AtOnce = 4;

    /// <summary>Under requests without end, a line goes on this often all the same.</summary>
    private static readonly TimeSpan LongestYield = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Reads the whole input: what is wrong with it is told before anything is answered.</summary>
    public async Task<(int Count, IReadOnlyList<BatchProblem> Problems)> Validate(Batch batch, CancellationToken cancel)
    {
        await using Stream input = await blobs.Open(batch.TenantId, batch.InputSha256, $"file '{batch.InputFileId}'", cancel);
        return await BatchRequests.Check(input, batch.Endpoint, cancel);
    }

    /// <summary>Answers what has no answer yet; ends early where it is cancelled, or its time is over.</summary>
    public async Task Answer(Batch batch, CancellationToken cancel)
    {
        HashSet<int> done;
        await using (scopes.SystemScope(out FineTuneDbContext db))
            done = [.. await db.BatchLines.Where(row => row.BatchId == batch.Id).Select(row => row.Line).ToListAsync(cancel)];
        await using Stream input = await blobs.Open(batch.TenantId, batch.InputSha256, $"file '{batch.InputFileId}'", cancel);
        using var window = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        TimeSpan left = DateTimeOffset.FromUnixTimeSeconds(batch.ExpiresAt) - clock.GetUtcNow();
        if (left <= TimeSpan.Zero) return;
        await using ITimer end = clock.CreateTimer(_ => window.Cancel(), null, left, Timeout.InfiniteTimeSpan);
        try
        {
            await Parallel.ForEachAsync(BatchRequests.Read(input, window.Token).Where(request => !done.Contains(request.Line)),
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = window.Token }, (request, stop) => Line(batch, request, stop));
        }
        catch (OperationCanceledException) when (window.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            // Its time is over.
        }
    }

    /// <summary>What has no answer, for the error file.</summary>
    public async Task<IReadOnlyList<BatchOutput>> Unanswered(Batch batch, HashSet<int> answered, BatchFailure why, CancellationToken cancel)
    {
        await using Stream input = await blobs.Open(batch.TenantId, batch.InputSha256, $"file '{batch.InputFileId}'", cancel);
        var left = new List<BatchOutput>();
        await foreach (BatchRequest request in BatchRequests.Read(input, cancel))
            if (!answered.Contains(request.Line)) left.Add(new BatchOutput(Ids.New("batch_req"), request.CustomId, null, why));
        return left;
    }

    private async ValueTask Line(Batch batch, BatchRequest request, CancellationToken cancel)
    {
        BatchResponse? response = null;
        while (response is null)
        {
            await answering.Yield(LongestYield, cancel);
            response = await answers.Ask(batch, request, cancel);
            if (response is null) await Task.Delay(Pause, clock, cancel);
        }
        bool failed = response.StatusCode >= 400;
        string id = Ids.New("batch_req"), output = JsonSerializer.Serialize(new BatchOutput(id, request.CustomId, response, null), Json.Options);
        (long asked, long answered) = Tokens(response.Body);
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        await db.InTransaction(async () =>
        {
            db.BatchLines.Add(new BatchLine { Id = id, TenantId = batch.TenantId, BatchId = batch.Id, Line = request.Line, Output = output, IsError = failed });
            await db.SaveChangesAsync();
            return await db.Batches.Where(row => row.Id == batch.Id).ExecuteUpdateAsync(set => set
                .SetProperty(row => row.Completed, row => row.Completed + (failed ? 0 : 1)).SetProperty(row => row.Failed, row => row.Failed + (failed ? 1 : 0))
                .SetProperty(row => row.InputTokens, row => row.InputTokens + asked).SetProperty(row => row.OutputTokens, row => row.OutputTokens + answered));
        });
    }

    private static (long, long) Tokens(JsonElement body) => body.TryGetProperty("usage", out JsonElement usage) && usage.ValueKind == JsonValueKind.Object
        ? (usage.GetProperty("prompt_tokens").GetInt64(), usage.GetProperty("completion_tokens").GetInt64()) : (0, 0);
}
