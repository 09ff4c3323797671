using FineTuneService.Engine.Generation.Schemas.Shapes;

namespace FineTuneService.Engine.Generation.Schemas.Frames;

/// <summary>Between an array's items: behind its bracket, or behind an item (or, while one is read, waiting for its end).</summary>
internal sealed class ArrayFrame : Frame
{
    private readonly ArrayShape _shape;
    private readonly ArrayState _state;
    private readonly bool _isOpen;
    private readonly UniqueItems? _unique; // The items so far, where no two may be equal.
    private readonly int _start; // Where the item that is read begins in the remembered text.
    private readonly int _spaces;

    private ArrayFrame(ArrayShape shape, ArrayState state, bool isOpen, UniqueItems? unique, int start, int spaces, Frame parent)
        : base(parent)
    {
        (_shape, _state, _isOpen, _unique, _start, _spaces) = (shape, state, isOpen, unique, start, spaces);
        Remembers = parent.Remembers || unique is not null;
        Depth = parent.Depth + 1;
    }

    protected override object Content => (_state, _isOpen, _unique?.Key, _start, _spaces);

    public static ArrayFrame Begin(ArrayShape shape, Reading reading, Frame parent) =>
        new(shape, shape.Start, true, shape.IsUnique ? UniqueItems.None(reading.Goals.Space) : null, 0, reading.Spaces(afterSeparator: false), parent);

    public override void Step(byte next, Reading reading, List<Frame> into)
    {
        if (_spaces > 0 && reading.IsSpace(next))
        {
            into.Add(_spaces == int.MaxValue ? this : reading.One(new ArrayFrame(_shape, _state, _isOpen, _unique, _start, _spaces - 1, Parent!)));
            return;
        }
        if (next == ']')
        {
            if (_shape.CanClose(_state) && Parent!.Ended(reading, reading.Length) is { } ended) into.Add(reading.One(ended));
            return;
        }
        if (_isOpen)
        {
            // The item begins with this byte.
            foreach (Frame item in Items(reading, reading.Length - 1, 0)) item.Step(next, reading, into);
        }
        else if (next == ',') into.AddRange(Items(reading, reading.Length, reading.Spaces(afterSeparator: true)));
    }

    public override int Only(Reading reading)
    {
        if (_spaces > 0) return -1;
        bool closes = _shape.CanClose(_state), goesOn = _unique is not null || _shape.Options(_state).Count > 0;
        if (closes && !goesOn) return ']';
        return !closes && !_isOpen ? ',' : -1;
    }

    public override int Closing(Reading reading)
    {
        if (_shape.CanClose(_state)) return ']';
        if (!_isOpen) return ',';
        return Items(reading, reading.Length - 1, 0).FirstOrDefault()?.Closing(reading) ?? -1;
    }

    public override Frame? Ended(Reading reading, int length)
    {
        if (_unique is null) return this;
        UniqueItems? more = _unique.With(reading.Goals.Space, reading.Text!.Slice(_start, length));
        return more is null ? null : new ArrayFrame(_shape, _state, false, more, 0, _spaces, Parent!);
    }

    private IEnumerable<Frame> Items(Reading reading, int start, int spaces)
    {
        foreach ((Goal item, ArrayState after) in _shape.Options(_state))
        {
            if (_unique is null)
            {
                yield return reading.One(new ValueFrame(item, spaces, reading.One(new ArrayFrame(_shape, after, false, null, 0, reading.Spaces(afterSeparator: false), Parent!))));
                continue;
            }
            if (Unlike(item, reading) is not { } other) continue;
            Frame waiting = reading.One(new ArrayFrame(_shape, after, false, _unique, start, reading.Spaces(afterSeparator: false), Parent!));
            yield return reading.One(new ValueFrame(other, spaces, waiting));
        }
    }

    /// <summary>The goal without the values that the array has already.</summary>
    private Goal? Unlike(Goal item, Reading reading)
    {
        try
        {
            Goal other = reading.Goals.Of(reading.Goals.Space.And(item.Formula, _unique!.Next));
            return reading.Goals.HasValues(other) ? other : null;
        }
        catch (SchemaException)
        {
            return null; // So many items that what is left cannot be followed: the array ends.
        }
    }
}
