using FineTuneService.Engine.Generation.Schemas.Shapes;
using FineTuneService.Engine.Generation.Schemas.Texts;

namespace FineTuneService.Engine.Generation.Schemas.Frames;

internal enum ObjectPhase : byte
{
    /// <summary>Behind the brace.</summary>
    Open,

    /// <summary>Behind a key.</summary>
    Key,

    /// <summary>Behind a value, or waiting for its end.</summary>
    Value,

    /// <summary>Behind a comma.</summary>
    Comma,
}

/// <summary>Between an object's keys and values.</summary>
internal sealed class ObjectFrame : Frame
{
    private readonly ObjectShape _shape;
    private readonly ObjectState _state;
    private readonly ObjectPhase _phase;
    private readonly int _kind; // Of the key that was read last.
    private readonly int _spaces;
    private readonly string? _names; // Those so far that are not known beforehand, each between line feeds; null where they do not matter.

    private ObjectFrame(ObjectShape shape, ObjectState state, ObjectPhase phase, int kind, string? names, int spaces, Frame parent)
        : base(parent)
    {
        (_shape, _state, _phase, _kind, _names, _spaces) = (shape, state, phase, kind, names, spaces);
        Remembers = parent.Remembers || names is not null;
        Depth = parent.Depth + 1;
    }

    public ObjectShape Shape => _shape;
    public ObjectState State => _state;

    protected override object Content => (_state, _phase, _kind, _names, _spaces);

    public static ObjectFrame Begin(ObjectShape shape, Reading reading, Frame parent) =>
        new(shape, shape.Start, ObjectPhase.Open, 0, shape.RemembersNames ? "" : null, reading.Spaces(afterSeparator: false), parent);

    public override void Step(byte next, Reading reading, List<Frame> into)
    {
        if (_spaces > 0 && reading.IsSpace(next))
        {
            into.Add(_spaces == int.MaxValue ? this : reading.One(new ObjectFrame(_shape, _state, _phase, _kind, _names, _spaces - 1, Parent!)));
            return;
        }
        switch ((char)next)
        {
            case '"' when _phase is ObjectPhase.Open or ObjectPhase.Comma && GoesOn:
                into.Add(reading.One(new KeyFrame(this, default, reading.Length)));
                break;
            case '}' when _phase is ObjectPhase.Open or ObjectPhase.Value:
                if (_shape.CanClose(_state) && Parent!.Ended(reading, reading.Length) is { } ended) into.Add(reading.One(ended));
                break;
            case ',' when _phase == ObjectPhase.Value && GoesOn:
                into.Add(reading.One(new ObjectFrame(_shape, _state, ObjectPhase.Comma, 0, _names, reading.Spaces(afterSeparator: true), Parent!)));
                break;
            case ':' when _phase == ObjectPhase.Key:
                foreach ((Goal value, ObjectState after) in _shape.Options(_state, _kind))
                    into.Add(reading.One(new ValueFrame(value, reading.Spaces(afterSeparator: true), reading.One(new ObjectFrame(_shape, after, ObjectPhase.Value, 0, _names, reading.Spaces(afterSeparator: false), Parent!)))));
                break;
        }
    }

    public override int Only(Reading reading)
    {
        if (_spaces > 0) return -1;
        if (_phase == ObjectPhase.Key) return ':';
        if (_phase == ObjectPhase.Comma) return '"';
        bool closes = _shape.CanClose(_state);
        if (closes) return GoesOn ? -1 : '}';
        return _phase == ObjectPhase.Open ? '"' : ',';
    }

    public override int Closing(Reading reading) => _phase switch
    {
        ObjectPhase.Key => ':',
        ObjectPhase.Comma => '"',
        _ when _shape.CanClose(_state) => '}',
        ObjectPhase.Open => '"',
        _ => ',',
    };

    /// <summary>The object behind a key, or null where it has one of that name.</summary>
    public ObjectFrame? WithKey(int kind, string? name, Reading reading)
    {
        string? names = _names;
        if (names is not null && !_shape.IsKnown(kind))
        {
            string line = "\n" + System.Text.Json.JsonSerializer.Deserialize<string>(name!)!.Replace("\\", "\\\\").Replace("\n", "\\n") + "\n";
            if (names.Contains(line, StringComparison.Ordinal)) return null;
            names += line;
        }
        return new ObjectFrame(_shape, _state, ObjectPhase.Key, kind, names, reading.Spaces(afterSeparator: false), Parent!);
    }

    public bool RemembersNames => _names is not null;

    private bool GoesOn => Array.Exists(_shape.Usable(_state), bits => bits != 0);
}

/// <summary>Inside a key. Its parent is the object before it.</summary>
/// <param name="start">Behind its quote, in the remembered text.</param>
internal sealed class KeyFrame(ObjectFrame before, TextPlace place, int start) : Frame(before), ITextFrame
{
    protected override object Content => (place, before.RemembersNames ? start : 0);

    private TextLanguage Language => before.Shape.Keys;

    private ulong[] Usable => before.Shape.Usable(before.State);

    public int Free => place.Mode == TextMode.Plain && HasFreeNames ? Language.Free(place.State, place.Count) : 0;

    /// <summary>However a name goes on, one that is not known beforehand may come of it.</summary>
    private bool HasFreeNames => before.Shape.HasFreeNames(before.State);

    public override void Step(byte next, Reading reading, List<Frame> into)
    {
        if (next == '"' && place.Mode == TextMode.Plain)
        {
            int kind = Language.Label(place.State, place.Count);
            if (kind < 0 || !Bits.Has(Usable, kind)) return;
            string? name = before.RemembersNames ? reading.Text!.Slice(start - 1, reading.Length) : null;
            if (before.WithKey(kind, name, reading) is { } key) into.Add(reading.One(key));
            return;
        }
        if (place.Next(Language, next, reading.Options.Plain, Usable) is { } further) into.Add(reading.One(new KeyFrame(before, further, start)));
    }

    public override int Only(Reading reading) => ITextFrame.OnlyByte(Language, place, Usable, reading);

    public override int Closing(Reading reading) => ITextFrame.ClosingByte(Language, place, before.Shape.Needed(before.State), reading) is >= 0 and var close ? close : First(reading, ITextFrame.AllBytes);
}
