namespace FineTuneService.Engine.Datasets;

/// <summary>How rows are put together, as TRL's packing_strategy.</summary>
public enum PackingStrategy
{
    /// <summary>Best-fit decreasing; rows longer than a packed row are cut (bfd).</summary>
    BestFit,

    /// <summary>Best-fit decreasing; rows longer than a packed row are split (bfd_split).</summary>
    BestFitSplit,

    /// <summary>One stream of tokens, cut into rows: sequences go on over the borders, and see each other (wrapped).</summary>
    Wrapped,
}
