namespace FineTuneService.Engine.Generation.Schemas.Shapes;

/// <summary>How far an object has come.</summary>
/// <param name="seen">Which of the known names it has: bits.</param>
/// <param name="last">The last of them, where they keep their order; the number of known names once another name has come.</param>
/// <param name="count">Properties, as many as matter.</param>
/// <param name="found">Which of the properties that it must have somewhere it has: bits.</param>
internal sealed class ObjectState(ulong[] seen, int last, int count, int found)
{
    public ulong[] Seen => seen;
    public int Last => last;
    public int Count => count;
    public int Found => found;

    /// <summary>Kinds of key that may come next: bits.</summary>
    public ulong[]? Usable { get; set; }
    public bool? CanFinish { get; set; }

    /// <summary>By kind of key, what its value may be, and where the object is then.</summary>
    public Dictionary<int, IReadOnlyList<(Goal Value, ObjectState Next)>> Options { get; } = [];
}
