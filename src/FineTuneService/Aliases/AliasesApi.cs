using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Operators;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Aliases;

/// <summary>
/// /v1/aliases: stable names that programs use as a model's while the model behind them is moved, or taken back. A request finds out once, when
/// it begins, what an alias names; what is under way ends on that.
/// </summary>
internal static class AliasesApi
{
    private const int LongestName = 64;

    public static void MapAliases(this IEndpointRouteBuilder app)
    {
        // A drained service's operator may have to take one back.
        RouteGroupBuilder aliases = app.MapGroup("/v1/aliases").WithTags("Aliases").Needs(Access.Tenant).TakenWhileDrained();
        aliases.MapPost("", Create).WithSummary("Give a model a name of your own").Takes(AliasExamples.Create).Answers(AliasExamples.Created);
        aliases.MapGet("", List).WithSummary("List aliases").Answers(AliasExamples.Aliases);
        aliases.MapGet("/{id}", Get).WithSummary("Get an alias, by its name or id, with what it has named").Answers(AliasExamples.Moved);
        aliases.MapPost("/{id}", Move).WithSummary("Let an alias name another model, if it names what you think").Takes(AliasExamples.Move).Answers(AliasExamples.Moved);
        aliases.MapPost("/{id}/rollback", RollBack).WithSummary("Let an alias name what it named before").Takes(AliasExamples.RollBack).Answers(AliasExamples.RolledBack);
        aliases.MapDelete("/{id}", Delete).WithSummary("Delete an alias; its model stays").Answers(AliasExamples.Deleted);
    }

    private static async Task<IResult> Create(CreateAliasRequest body, AliasStore aliases)
    {
        if (body.Name.Length is 0 or > LongestName || body.Name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_')))
            return Errors.BadRequest($"name must be 1 to {LongestName} letters, digits, dots, dashes and underscores.", param: "name");
        return await Answer(await aliases.Create(body.Name, body.Target), aliases);
    }

    private static Task<IResult> List([AsParameters] PageQuery query, FineTuneDbContext db) => db.Aliases.AsNoTracking().PageOf(db, query, "alias", AliasBody.Of);

    private static async Task<IResult> Get(string id, FineTuneDbContext db, AliasStore aliases) =>
        await db.Aliases.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id || row.Name == id) is { } alias ? Results.Ok(await aliases.Body(alias)) : Errors.NotFound("alias", id);

    private static async Task<IResult> Move(string id, MoveAliasRequest body, AliasStore aliases) => await Answer(await aliases.Move(id, body.Target, body.IfCurrent), aliases);

    private static async Task<IResult> RollBack(string id, RollBackAliasRequest? body, AliasStore aliases) => await Answer(await aliases.RollBack(id, body?.IfCurrent), aliases);

    private static async Task<IResult> Delete(string id, AliasStore aliases) =>
        await aliases.Delete(id) is { } gone ? Results.Ok(new Deleted(gone, "alias")) : Errors.NotFound("alias", id);

    private static async Task<IResult> Answer((Alias? Alias, IResult? Refusal) changed, AliasStore aliases) => changed.Refusal ?? Results.Ok(await aliases.Body(changed.Alias!));
}
