namespace FineTuneService.Engine.Generation.Schemas.Shapes;

/// <summary>How far an array has come: items so far, as many as matter, and how many of them count for each thing it must contain.</summary>
internal sealed class ArrayState(int index, int[] counts)
{
    public int Index => index;
    public int[] Counts => counts;

    /// <summary>What the next item may be, and where the array is then.</summary>
    public IReadOnlyList<(Goal Item, ArrayState Next)>? Options { get; set; }
    public bool? CanFinish { get; set; }
}
