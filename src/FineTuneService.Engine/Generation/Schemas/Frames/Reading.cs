using FineTuneService.Engine.Generation.Schemas.Shapes;

namespace FineTuneService.Engine.Generation.Schemas.Frames;

/// <summary>A byte of a text that must be remembered, and those before it.</summary>
internal sealed class Remembered(byte value, Remembered? before)
{
    public int Length { get; } = (before?.Length ?? 0) + 1;

    public string Slice(int start, int end)
    {
        var bytes = new byte[end - start];
        for (Remembered? at = this; at is not null && at.Length > start; at = at.Before)
        {
            if (at.Length <= end) bytes[at.Length - 1 - start] = at.Value;
        }
        return System.Text.Encoding.UTF8.GetString(bytes);
    }

    private byte Value => value;
    private Remembered? Before => before;
}

/// <summary>What frames share while a byte is read.</summary>
internal sealed class Reading(Goals goals)
{
    private readonly HashSet<Frame> _frames = [];

    public Goals Goals => goals;
    public SchemaOptions Options => goals.Options;

    /// <summary>Up to the byte that is being read.</summary>
    public Remembered? Text { get; set; }

    /// <summary>Places in texts' automata that were looked at for their ends.</summary>
    public long Looked { get; set; }

    public int Length => Text?.Length ?? 0;

    public int Frames => _frames.Count;

    /// <summary>The one frame that is equal to this.</summary>
    public Frame One(Frame frame)
    {
        if (_frames.TryGetValue(frame, out Frame? known)) return known;
        _frames.Add(frame);
        return frame;
    }

    public void Forget() => _frames.Clear();

    /// <summary>White space that may stand at a place, in bytes.</summary>
    public int Spaces(bool afterSeparator) => Options.Spaces > 1 || afterSeparator ? Options.Spaces : 0;

    /// <summary>One byte less of it; without a bound there is no counting.</summary>
    public static int Less(int spaces) => spaces == int.MaxValue ? spaces : spaces - 1;

    public bool IsSpace(byte next) => next == ' ' || (Options.Spaces > 1 && (next is (byte)'\n' or (byte)'\r' or (byte)'\t'));
}
