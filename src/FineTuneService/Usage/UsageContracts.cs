namespace FineTuneService.Usage;

/// <summary>Tokens and bytes by day.</summary>
/// <param name="From">The first day, in UTC.</param>
/// <param name="To">The last day.</param>
/// <param name="Stored">The most that was stored on each day, of what was seen each hour.</param>
/// <param name="Total">Of all rows.</param>
public sealed record UsageBody(string Object, string From, string To, IReadOnlyList<UsageRow> Data, IReadOnlyList<StoredRow> Stored, UsageTotal Total);

/// <summary>Fields that rows are not grouped by are absent.</summary>
/// <param name="Model">What answered, by its own name; the base of a job.</param>
/// <param name="Key">The id of the API key that was used.</param>
/// <param name="Requests">Answers to chat, completions and lines of batches.</param>
/// <param name="TrainedTokens">Of jobs' steps, as they are done: each step once, whatever becomes of the job.</param>
/// <param name="EvaluatedTokens">That went through the model in evaluations, and that it answered there; of a job's own, on its base's row.</param>
public sealed record UsageRow(string Tenant, string? Day, string? Model, string? Key, long Requests, long PromptTokens, long CompletionTokens, long TrainedTokens, long EvaluatedTokens);

public sealed record StoredRow(string Tenant, string Day, long Bytes);

public sealed record UsageTotal(long Requests, long PromptTokens, long CompletionTokens, long TrainedTokens, long EvaluatedTokens);

/// <param name="From">As 2026-11-01; 30 days before to unless given.</param>
/// <param name="To">As 2026-11-30; today unless given.</param>
/// <param name="GroupBy">day, model and key with commas between them, each of which makes more rows; all of them unless given.</param>
/// <param name="Tenant">For the admin: one tenant's; all tenants' unless given.</param>
public readonly record struct UsageQuery(string? From, string? To, [property: Microsoft.AspNetCore.Mvc.FromQuery(Name = "group_by")] string? GroupBy, string? Tenant);
