namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>What becomes of a match that cuts a piece.</summary>
internal enum SplitBehavior
{
    /// <summary>It is dropped.</summary>
    Removed,

    /// <summary>It is a piece.</summary>
    Isolated,

    /// <summary>It belongs to the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>It belongs to the piece after it.</summary>
    MergedWithNext,

    /// <summary>Neighbouring matches are one piece.</summary>
    Contiguous,
}
