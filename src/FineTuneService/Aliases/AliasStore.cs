using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Aliases;

/// <summary>Makes, moves and takes back aliases: each change is one transaction with everything that it depends on.</summary>
internal sealed class AliasStore(FineTuneDbContext db, CurrentTenant tenant, TimeProvider clock)
{
    private const int MostAliases = 1000, MovesKept = 100;

    public Task<(Alias? Alias, IResult? Refusal)> Create(string name, string target) => Change(async () =>
    {
        if (await db.Models.AnyAsync(row => row.Id == name) || await db.HubDownloads.AnyAsync(row => row.Id == name)) return (null, Errors.Conflict($"'{name}' is a model's own name; choose another for the alias.", "model_exists"));
        if (await db.Aliases.AnyAsync(row => row.Name == name)) return (null, Errors.Conflict($"The alias '{name}' exists already; POST /v1/aliases/{name} moves it.", "alias_exists"));
        if (await db.Aliases.CountAsync() >= MostAliases) return (null, Errors.Make(429, $"You have {MostAliases} aliases; delete one first.", "too_many_aliases"));
        if (await Resolve(target) is not { } model) return (null, Errors.ModelNotFound(target, "target"));
        var alias = new Alias { Id = Ids.New("alias"), TenantId = tenant.Id, Name = name, Target = model, Version = 1, CreatedAt = Now, UpdatedAt = Now };
        db.Aliases.Add(alias);
        Add(alias, model, 1);
        return (alias, null);
    });

    /// <param name="ifCurrent">What it is to name now, or null.</param>
    public Task<(Alias? Alias, IResult? Refusal)> Move(string id, string target, string? ifCurrent) => Change(async () =>
    {
        (Alias? alias, IResult? refusal) = await Find(id, ifCurrent);
        if (refusal is not null) return (null, refusal);
        if (await Resolve(target) is not { } model) return (null, Errors.ModelNotFound(target, "target"));
        if (model == alias!.Target) return (alias, null);
        int version = await db.AliasMoves.Where(row => row.AliasId == alias.Id).MaxAsync(row => row.Version) + 1;
        (alias.Target, alias.Version, alias.UpdatedAt) = (model, version, Now);
        Add(alias, model, version);
        await db.AliasMoves.Where(row => row.AliasId == alias.Id && row.Version <= version - MovesKept).ExecuteDeleteAsync();
        return (alias, null);
    });

    /// <summary>To what it named before the move that holds; called again, to what it named before that.</summary>
    /// <inheritdoc cref="Move"/>
    public Task<(Alias? Alias, IResult? Refusal)> RollBack(string id, string? ifCurrent) => Change(async () =>
    {
        (Alias? alias, IResult? refusal) = await Find(id, ifCurrent);
        if (refusal is not null) return (null, refusal);
        List<AliasMove> moves = await db.AliasMoves.Where(row => row.AliasId == alias!.Id && row.Version <= alias.Version && row.RolledBackAt == null).OrderByDescending(row => row.Version).Take(2).ToListAsync();
        if (moves is not [var now, var before]) return (null, Errors.Conflict($"The alias '{alias!.Name}' has named nothing else before; there is nothing to roll back to.", "nothing_to_roll_back"));
        if (await Resolve(before.Target) is null)
            return (null, Errors.Conflict($"'{before.Target}', which the alias named before, was deleted; move the alias to another model.", "alias_target_deleted"));
        now.RolledBackAt = Now;
        (alias!.Target, alias.Version, alias.UpdatedAt) = (before.Target, before.Version, Now);
        return (alias, null);
    });

    /// <returns>The id of the alias that is gone, or null.</returns>
    public Task<string?> Delete(string id) => db.InTransaction(async () =>
    {
        if (await db.Aliases.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id || row.Name == id) is not { } alias) return null;
        await db.AliasMoves.Where(row => row.AliasId == alias.Id).ExecuteDeleteAsync();
        await db.Aliases.Where(row => row.Id == alias.Id).ExecuteDeleteAsync();
        return alias.Id;
    });

    public async Task<AliasBody> Body(Alias alias) =>
        AliasBody.Of(alias, await db.AliasMoves.AsNoTracking().Where(row => row.AliasId == alias.Id).OrderByDescending(row => row.Version).ToListAsync());

    private long Now => clock.GetUtcNow().ToUnixTimeSeconds();

    private Task<(Alias? Alias, IResult? Refusal)> Change(Func<Task<(Alias?, IResult?)>> change) => db.InTransaction(async () =>
    {
        (Alias? alias, IResult? refusal) = await change();
        if (refusal is null) await db.SaveChangesAsync();
        return (alias, refusal);
    });

    private async Task<(Alias?, IResult?)> Find(string id, string? ifCurrent)
    {
        if (await db.Aliases.FirstOrDefaultAsync(row => row.Id == id || row.Name == id) is not { } alias) return (null, Errors.NotFound("alias", id));
        bool asExpected = ifCurrent is null || alias.Target == ifCurrent || alias.Target == await Resolve(ifCurrent);
        return asExpected ? (alias, null) : (null, Errors.Conflict($"The alias '{alias.Name}' names '{alias.Target}' by now, and not '{Errors.Clip(ifCurrent!)}'; look at it, and try again.", "alias_moved"));
    }

    /// <summary>A model's own name, or null where the tenant has none of that name or id.</summary>
    private async Task<string?> Resolve(string target) =>
        await db.Adapters.Where(row => row.Id == target || row.Model == target).Select(row => row.Model).FirstOrDefaultAsync()
        ?? await db.Models.Where(row => row.Id == target).Select(row => row.Id).FirstOrDefaultAsync();

    private void Add(Alias alias, string target, int version) =>
        db.AliasMoves.Add(new AliasMove { Id = Ids.New("move"), TenantId = alias.TenantId, AliasId = alias.Id, Version = version, Target = target, CreatedAt = Now });
}
