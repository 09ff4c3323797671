using FineTuneService.Engine.Generation.Schemas.Formulas;
using FineTuneService.Engine.Generation.Schemas.Numbers;
using FineTuneService.Engine.Generation.Schemas.Shapes;

namespace FineTuneService.Engine.Generation.Schemas.Frames;

/// <summary>Where a value begins.</summary>
/// <param name="spaces">White space that may come before it.</param>
internal sealed class ValueFrame(Goal goal, int spaces, Frame parent) : Frame(parent)
{
    protected override object Content => (goal, spaces);

    public override void Step(byte next, Reading reading, List<Frame> into)
    {
        switch (next)
        {
            case (byte)'n':
                Word(Kinds.Null, "null", reading, into);
                break;
            case (byte)'t':
                Word(Kinds.True, "true", reading, into);
                break;
            case (byte)'f':
                Word(Kinds.False, "false", reading, into);
                break;
            case (byte)'"':
                if (goal.Texts is { } texts) into.Add(reading.One(new TextFrame(texts, default, Parent!)));
                break;
            case (byte)'[' when MayNest:
                foreach (ArrayShape array in goal.Arrays.Where(array => array.CanFinish(array.Start))) into.Add(reading.One(ArrayFrame.Begin(array, reading, Parent!)));
                break;
            case (byte)'{' when MayNest:
                foreach (ObjectShape shape in goal.Objects.Where(shape => shape.CanFinish(shape.Start))) into.Add(reading.One(ObjectFrame.Begin(shape, reading, Parent!)));
                break;
            default:
                if (spaces > 0 && reading.IsSpace(next)) into.Add(spaces == int.MaxValue ? this : reading.One(new ValueFrame(goal, spaces - 1, Parent!)));
                else if (goal.Numbers is { } numbers && NumberText.Begin(numbers, next) is { } text) into.Add(reading.One(new NumberFrame(numbers, text, Parent!)));
                break;
        }
    }

    public override int Only(Reading reading)
    {
        bool text = goal.Texts is not null, array = goal.Arrays.Count > 0, shape = goal.Objects.Count > 0;
        if (spaces > 0 || goal.Numbers is not null) return -1;
        return (goal.Words, text, array, shape) switch
        {
            (Kinds.Null, false, false, false) => 'n',
            (Kinds.True, false, false, false) => 't',
            (Kinds.False, false, false, false) => 'f',
            (Kinds.None, true, false, false) => '"',
            (Kinds.None, false, true, false) => '[',
            (Kinds.None, false, false, true) => '{',
            _ => -1,
        };
    }

    /// <summary>The shortest kind of value first.</summary>
    public override int Closing(Reading reading)
    {
        if (goal.Words != Kinds.None) return (goal.Words & Kinds.Null) != 0 ? 'n' : (goal.Words & Kinds.True) != 0 ? 't' : 'f';
        if (goal.Numbers is not null) return First(reading, "0123456789-"u8);
        if (goal.Texts is not null) return '"';
        if (goal.Arrays.Any(array => array.CanClose(array.Start))) return '[';
        if (goal.Objects.Any(shape => shape.CanClose(shape.Start))) return '{';
        return goal.Arrays.Count > 0 ? '[' : '{';
    }

    private bool MayNest => Parent!.Depth < (goal.IsAnything ? SchemaLimits.FreeDepth : SchemaLimits.TextDepth);

    private void Word(Kinds kind, string word, Reading reading, List<Frame> into)
    {
        if ((goal.Words & kind) != 0) into.Add(reading.One(new WordFrame(word, 1, Parent!)));
    }
}
