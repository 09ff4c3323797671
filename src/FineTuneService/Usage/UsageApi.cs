using System.Globalization;
using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Usage;

/// <summary>/v1/usage: a tenant sees its own; the admin every tenant's, or one's.</summary>
internal static class UsageApi
{
    private const int UsualDays = 30, MostDays = 366, MostRows = 10_000;
    private const string ByDay = "day", ByModel = "model", ByKey = "key";
    private static readonly string[] Groups = [ByDay, ByModel, ByKey];

    public static void MapUsage(this IEndpointRouteBuilder app) => app.MapGet("/v1/usage", Read).WithTags("Usage").Needs(Access.AnyKey)
        .WithSummary("Tokens trained and served, and bytes stored, by day, model and key").Answers(UsageExamples.Usage);

    private static async Task<IResult> Read([AsParameters] UsageQuery query, CurrentTenant current, IServiceScopeFactory scopes, UsageWriter writer, TimeProvider clock, CancellationToken cancel)
    {
        if (Day(query.To, clock.GetUtcNow().UtcDateTime.Date) is not { } to) return NoDay("to");
        if (Day(query.From, to.AddDays(1 - UsualDays)) is not { } from) return NoDay("from");
        if (from > to || (to - from).TotalDays >= MostDays) return Errors.BadRequest($"from is at most {MostDays - 1} days before to.", param: "from");
        string[] by = query.GroupBy?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? Groups;
        if (by.FirstOrDefault(group => !Groups.Contains(group)) is { } strange) return Errors.BadRequest($"'{Errors.Clip(strange)}' is nothing to group by; use {string.Join(", ", Groups)}.", param: "group_by");
        bool isAdmin = current.Id.Length == 0;
        if (!isAdmin && query.Tenant is { } other && other != current.Id) return Errors.NotFound("tenant", other);
        string? tenant = isAdmin ? query.Tenant : current.Id;
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        if (tenant is not null && !await db.Tenants.AnyAsync(row => row.Id == tenant, cancel)) return Errors.NotFound("tenant", tenant);
        await writer.Write(cancel); // What was answered before this call is in it.
        string first = Days.Of(new DateTimeOffset(from, TimeSpan.Zero)), last = Days.Of(new DateTimeOffset(to, TimeSpan.Zero));
        UsageRow[] rows = await Rows(db.UsageDays.AsNoTracking().Where(row => (tenant == null || row.TenantId == tenant) && string.Compare(row.Day, first) >= 0 && string.Compare(row.Day, last) <= 0), by, cancel);
        if (rows.Length > MostRows) return Errors.BadRequest($"These are more than {MostRows} rows; ask for fewer days, or group by less.", param: "group_by");
        StoredRow[] stored = await db.StoredDays.AsNoTracking().Where(row => (tenant == null || row.TenantId == tenant) && string.Compare(row.Day, first) >= 0 && string.Compare(row.Day, last) <= 0)
            .OrderBy(row => row.Day).ThenBy(row => row.TenantId).Take(MostRows).Select(row => new StoredRow(row.TenantId, row.Day, row.Bytes)).ToArrayAsync(cancel);
        if (tenant is not null) stored = WithNow(stored, tenant, last, Days.Of(clock.GetUtcNow()), await scope.ServiceProvider.GetRequiredService<StoredBytes>().Of(tenant));
        return Results.Ok(new UsageBody("usage", first, last, rows, stored,
            new UsageTotal(rows.Sum(row => row.Requests), rows.Sum(row => row.PromptTokens), rows.Sum(row => row.CompletionTokens), rows.Sum(row => row.TrainedTokens), rows.Sum(row => row.EvaluatedTokens))));
    }

    private static async Task<UsageRow[]> Rows(IQueryable<UsageDay> days, string[] by, CancellationToken cancel)
    {
        bool byDay = by.Contains(ByDay), byModel = by.Contains(ByModel), byKey = by.Contains(ByKey);
        var groups = await days.GroupBy(row => new { row.TenantId, Day = byDay ? row.Day : "", Model = byModel ? row.Model : "", Key = byKey ? row.KeyId : "" })
            .Select(group => new { group.Key, Requests = group.Sum(row => row.Requests), Prompt = group.Sum(row => row.PromptTokens), Completion = group.Sum(row => row.CompletionTokens), Trained = group.Sum(row => row.TrainedTokens), Evaluated = group.Sum(row => row.EvaluatedTokens) })
            .OrderBy(group => group.Key.Day).ThenBy(group => group.Key.TenantId).ThenBy(group => group.Key.Model).ThenBy(group => group.Key.Key).Take(MostRows + 1).ToListAsync(cancel);
        return [.. groups.Select(group => new UsageRow(
            group.Key.TenantId, byDay ? group.Key.Day : null, byModel ? group.Key.Model : null, byKey ? group.Key.Key : null, group.Requests, group.Prompt, group.Completion, group.Trained, group.Evaluated))];
    }

    /// <summary>What is stored now may be more than at the last hour.</summary>
    private static StoredRow[] WithNow(StoredRow[] stored, string tenant, string last, string today, long bytes)
    {
        if (string.CompareOrdinal(last, today) < 0) return stored;
        StoredRow? seen = Array.Find(stored, row => row.Day == today);
        return [.. stored.Where(row => row != seen), new StoredRow(tenant, today, Math.Max(bytes, seen?.Bytes ?? 0))];
    }

    private static DateTime? Day(string? text, DateTime usual) => text is null ? usual
        : DateTime.TryParseExact(text, Days.Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTime day) && day.Year is > 2000 and < 9000 ? day : null;

    private static IResult NoDay(string field) => Errors.BadRequest($"{field} is a day in UTC, such as 2026-11-29.", param: field);
}
