using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.Aliases;

/// <summary>Swagger UI's examples of aliases.</summary>
internal static class AliasExamples
{
    private const string Earlier = "ft:talers-2m:acme:support:1b3d5f7h9k2m4p6r8t0v2x4z";

    public static readonly CreateAliasRequest Create = new("support", Earlier);
    public static readonly MoveAliasRequest Move = new(ModelExamples.Tuned, Earlier);
    public static readonly RollBackAliasRequest RollBack = new(ModelExamples.Tuned);
    public static readonly AliasBody Created = new("alias-3h5k7m9p1r2t4v6x8z0b2d4f", "alias", "support", Earlier, 1, 1764000600, 1764000600, [new AliasMoveBody(1, Earlier, 1764000600, null)]);
    public static readonly AliasBody Moved = Created with { Target = ModelExamples.Tuned, Version = 2, UpdatedAt = 1764000700, History = [new AliasMoveBody(2, ModelExamples.Tuned, 1764000700, null), Created.History![0]] };
    public static readonly AliasBody RolledBack = Created with { UpdatedAt = 1764000800, History = [new AliasMoveBody(2, ModelExamples.Tuned, 1764000700, 1764000800), Created.History![0]] };
    public static readonly Page<AliasBody> Aliases = new([Moved with { History = null }], false, Created.Id, Created.Id);
    public static readonly Deleted Deleted = new(Created.Id, "alias");
}
