namespace FineTuneService.Aliases;

/// <summary>The body of POST /v1/aliases.</summary>
/// <param name="Name">1 to 64 letters, digits, dots, dashes and underscores; no model's own name.</param>
/// <param name="Target">A model that you can name: a base, or an adapter, checkpoint or merged model of yours; an adapter by its id too.</param>
public sealed record CreateAliasRequest(string Name, string Target);

/// <summary>The body of POST /v1/aliases/{id}.</summary>
/// <param name="IfCurrent">Where the alias names another model than this one by now, it is not moved.</param>
public sealed record MoveAliasRequest(string Target, string? IfCurrent = null);

/// <summary>The body of POST /v1/aliases/{id}/rollback.</summary>
/// <param name="IfCurrent">Where the alias names another model than this one by now, it is not moved.</param>
public sealed record RollBackAliasRequest(string? IfCurrent = null);

/// <summary>A name of yours that is used as a model's.</summary>
/// <param name="Target">The model's own name.</param>
/// <param name="Version">Of the move that holds.</param>
/// <param name="History">Its last 100 moves, newest first; absent in a list.</param>
public sealed record AliasBody(string Id, string Object, string Name, string Target, int Version, long CreatedAt, long UpdatedAt, IReadOnlyList<AliasMoveBody>? History = null)
{
    internal static AliasBody Of(Alias alias) => new(alias.Id, "alias", alias.Name, alias.Target, alias.Version, alias.CreatedAt, alias.UpdatedAt);

    internal static AliasBody Of(Alias alias, IEnumerable<AliasMove> moves) =>
        Of(alias) with { History = [.. moves.Select(move => new AliasMoveBody(move.Version, move.Target, move.CreatedAt, move.RolledBackAt))] };
}

/// <param name="RolledBackAt">Absent where it was not taken back.</param>
public sealed record AliasMoveBody(int Version, string Target, long CreatedAt, long? RolledBackAt);
