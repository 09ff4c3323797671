using FineTuneService.Data;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Usage;

/// <summary>Adds to the rows of a day. A tenant that is being erased gets none.</summary>
internal static class UsageRows
{
    public static Task<int> AddServed(FineTuneDbContext db, UsageKey key, Served counts) => db.Database.ExecuteSqlAsync($"""
        INSERT INTO usage_days ("Id", "TenantId", "Day", "Model", "KeyId", "Requests", "PromptTokens", "CompletionTokens", "TrainedTokens", "EvaluatedTokens")
        SELECT {Ids.New("usage")}, {key.Tenant}, {key.Day}, {key.Model}, {key.Key}, {counts.Requests}, {counts.PromptTokens}, {counts.CompletionTokens}, 0, {counts.EvaluatedTokens}
        WHERE EXISTS (SELECT 1 FROM tenants WHERE "Id" = {key.Tenant} AND "DeletedAt" IS NULL)
        ON CONFLICT ("TenantId", "Day", "Model", "KeyId") DO UPDATE SET "Requests" = "Requests" + excluded."Requests",
            "PromptTokens" = "PromptTokens" + excluded."PromptTokens", "CompletionTokens" = "CompletionTokens" + excluded."CompletionTokens",
            "EvaluatedTokens" = "EvaluatedTokens" + excluded."EvaluatedTokens"
        """);

    /// <summary>A job has trained on so many tokens more. In the transaction that tells of the steps.</summary>
    public static void AddTrained(FineTuneDbContext db, FineTuningJob job, long tokens, TimeProvider clock)
    {
        if (tokens <= 0) return;
        job.CountedTokens += tokens;
        string day = Days.Of(clock.GetUtcNow()), key = job.KeyId ?? "";
        UsageDay? row = db.UsageDays.FirstOrDefault(row => row.TenantId == job.TenantId && row.Day == day && row.Model == job.Model && row.KeyId == key);
        row ??= db.UsageDays.Add(new UsageDay { Id = Ids.New("usage"), TenantId = job.TenantId, Day = day, Model = job.Model, KeyId = key }).Entity;
        row.TrainedTokens += tokens;
    }

    public static Task<int> NoteUse(FineTuneDbContext db, string adapter, long at) =>
        db.Adapters.Where(row => row.Id == adapter && (row.LastUsedAt == null || row.LastUsedAt < at)).ExecuteUpdateAsync(set => set.SetProperty(row => row.LastUsedAt, at));

    public static Task<int> NoteStored(FineTuneDbContext db, string tenant, string day, long bytes) => db.Database.ExecuteSqlAsync($"""
        INSERT INTO stored_days ("Id", "TenantId", "Day", "Bytes")
        SELECT {Ids.New("stored")}, {tenant}, {day}, {bytes} WHERE EXISTS (SELECT 1 FROM tenants WHERE "Id" = {tenant} AND "DeletedAt" IS NULL)
        ON CONFLICT ("TenantId", "Day") DO UPDATE SET "Bytes" = max("Bytes", excluded."Bytes")
        """);
}
