using FineTuneService.Data;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Hosting;

/// <summary>OpenAI's list: newest first unless asked otherwise, going on after an id. The ids of an empty one are empty, as its description has no null there.</summary>
public sealed record Page<T>(IReadOnlyList<T> Data, bool HasMore, string FirstId, string LastId)
{
    public string Object => "list";
}

/// <summary>The query of a list call.</summary>
/// <param name="After">Id of the last object of the page before; it may have been deleted since.</param>
/// <param name="Limit">Objects of a page, 1 to 100; 20 unless given.</param>
/// <param name="Order">desc (newest first) unless given, or asc.</param>
public readonly record struct PageQuery(string? After, int? Limit, string? Order);

internal static class Paging
{
    /// <summary>A page of rows, or the error that the query deserves.</summary>
    /// <param name="among">Where the id of after is looked up, if not among all of the tenant's rows of this kind: a row that no longer
    /// passes the list's filter is still a place to go on from.</param>
    /// <param name="most">Objects of a page.</param>
    public static async Task<IResult> PageOf<TRow, TBody>(
        this IQueryable<TRow> rows, FineTuneDbContext db, PageQuery query, string what, Func<TRow, TBody> body, IQueryable<TRow>? among = null, int most = 100)
        where TRow : class, IRow
    {
        int limit = query.Limit ?? 20;
        if (limit < 1 || limit > most) return Errors.BadRequest($"limit must be 1 to {most}.", param: "limit");
        if (query.Order is not (null or "" or "asc" or "desc")) return Errors.BadRequest("order must be asc or desc.", param: "order");
        bool oldestFirst = query.Order == "asc";
        IQueryable<TRow> asked = oldestFirst ? rows.OrderBy(row => row.Number) : rows.OrderByDescending(row => row.Number);
        if (query.After is { Length: > 0 } after)
        {
            if (await NumberOf(after, db, among ?? db.Set<TRow>()) is not { } last)
                return Errors.Make(404, $"No such {what}: '{Errors.Clip(after)}'. after takes the last_id of the page before.", "not_found", "after");
            asked = oldestFirst ? asked.Where(row => row.Number > last) : asked.Where(row => row.Number < last);
        }
        List<TRow> found = await asked.Take(limit + 1).ToListAsync();
        bool more = found.Count > limit;
        if (more) found.RemoveAt(limit);
        return Results.Ok(new Page<TBody>([.. found.Select(body)], more, found.FirstOrDefault()?.Id ?? "", found.LastOrDefault()?.Id ?? ""));
    }

    /// <summary>The place of a row in its list, also where it has been deleted.</summary>
    private static async Task<long?> NumberOf<TRow>(string id, FineTuneDbContext db, IQueryable<TRow> among)
        where TRow : class, IRow
    {
        if (await among.Where(row => row.Id == id).Select(row => (long?)row.Number).FirstOrDefaultAsync() is { } number) return number;
        string? table = db.Model.FindEntityType(typeof(TRow))!.GetTableName();
        return await db.DeletedRows.Where(row => row.Table == table && row.Id == id).Select(row => (long?)row.RowNumber).FirstOrDefaultAsync();
    }
}
