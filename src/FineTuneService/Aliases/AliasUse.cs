using FineTuneService.Data;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Aliases;

/// <summary>Which models aliases name: they are not deleted from under them.</summary>
internal static class AliasUse
{
    /// <summary>Why a model cannot be deleted, or null. Asked in the transaction that deletes it, as a move is one that looks for its target.</summary>
    /// <param name="model">Its own name.</param>
    public static async Task<string?> Of(FineTuneDbContext db, string model)
    {
        List<string> names = await db.Aliases.IgnoreQueryFilters().Where(row => row.Target == model).OrderBy(row => row.Number).Select(row => row.Name).Distinct().Take(5).ToListAsync();
        string list = string.Join(", ", names.Select(name => $"'{name}'"));
        return names.Count == 0 ? null : $"{(names.Count == 1 ? $"The alias {list} names" : $"The aliases {list} name")} this model; move it to another (POST /v1/aliases/{names[0]}), or delete it first.";
    }
}
