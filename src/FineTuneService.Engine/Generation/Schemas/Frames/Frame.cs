namespace FineTuneService.Engine.Generation.Schemas.Frames;

/// <summary>
/// A place in a JSON text that is being read, and, through its parent, all places around it. A frame never changes: a byte leads to other
/// frames, several where the text may be read in several ways. Frames that are equal are one object.
/// </summary>
internal abstract class Frame(Frame? parent)
{
    public Frame? Parent => parent;

    /// <summary>Arrays and objects around it.</summary>
    public int Depth { get; init; } = parent?.Depth ?? 0;

    /// <summary>The text read so far matters to it, or to one around it.</summary>
    public bool Remembers { get; protected init; } = parent?.Remembers ?? false;

    /// <summary>Whether the whole text may end here.</summary>
    public virtual bool Ends => false;

    /// <summary>Takes one byte; where it cannot, nothing is added.</summary>
    public abstract void Step(byte next, Reading reading, List<Frame> into);

    /// <summary>The one byte that must follow, or -1 where that is not certain.</summary>
    public virtual int Only(Reading reading) => -1;

    /// <summary>A byte that leads to the text's end by a short way, or -1 where none is known.</summary>
    public virtual int Closing(Reading reading) => Only(reading);

    /// <summary>The value below it has ended, behind so many bytes of the remembered text.</summary>
    /// <returns>Null where such a value may not be here.</returns>
    public virtual Frame? Ended(Reading reading, int length) => this;

    /// <summary>What tells it from others of its type and parent.</summary>
    protected abstract object Content { get; }

    public sealed override bool Equals(object? other) =>
        ReferenceEquals(this, other) || (other is Frame frame && frame.GetType() == GetType() && ReferenceEquals(frame.Parent, parent) && frame.Content.Equals(Content));

    public sealed override int GetHashCode() => HashCode.Combine(GetType(), parent is null ? 0 : System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(parent), Content);

    /// <summary>The first of some bytes that the frame can take, or -1.</summary>
    protected int First(Reading reading, params ReadOnlySpan<byte> bytes)
    {
        var into = new List<Frame>();
        foreach (byte next in bytes)
        {
            Step(next, reading, into);
            if (into.Count > 0) return next;
        }
        return -1;
    }

    protected static bool IsSpace(byte next) => next is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t';
}

/// <summary>The end of the whole text.</summary>
internal sealed class DoneFrame() : Frame(null)
{
    public override bool Ends => true;

    protected override object Content => 0;

    public override void Step(byte next, Reading reading, List<Frame> into)
    {
        if (IsSpace(next) && reading.Options.Spaces == int.MaxValue) into.Add(this);
    }
}
