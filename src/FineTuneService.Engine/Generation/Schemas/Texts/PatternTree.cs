namespace FineTuneService.Engine.Generation.Schemas.Texts;

/// <summary>A pattern's parts.</summary>
internal abstract record PatternTree;

internal sealed record OneOf(CodePointSet Set) : PatternTree;

internal sealed record InOrder(IReadOnlyList<PatternTree> Parts) : PatternTree;

internal sealed record Either(IReadOnlyList<PatternTree> Parts) : PatternTree;

/// <param name="Most">int.MaxValue: any number.</param>
internal sealed record Repeat(PatternTree Part, int Least, int Most) : PatternTree;

/// <summary>^ or $.</summary>
internal sealed record Edge(bool IsEnd) : PatternTree;
