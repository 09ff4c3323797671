using FineTuneService.Engine.Generation.Schemas.Numbers;
using FineTuneService.Engine.Generation.Schemas.Texts;

namespace FineTuneService.Engine.Generation.Schemas.Frames;

/// <summary>Inside null, true or false.</summary>
internal sealed class WordFrame(string word, int at, Frame parent) : Frame(parent)
{
    protected override object Content => (word, at);

    public override void Step(byte next, Reading reading, List<Frame> into)
    {
        if (next != word[at]) return;
        if (at + 1 < word.Length) into.Add(reading.One(new WordFrame(word, at + 1, Parent!)));
        else if (Parent!.Ended(reading, reading.Length) is { } ended) into.Add(reading.One(ended));
    }

    public override int Only(Reading reading) => word[at];
}

/// <summary>Inside a number. Its end shows only in the byte that follows it.</summary>
internal sealed class NumberFrame(NumberSet set, NumberText text, Frame parent) : Frame(parent)
{
    protected override object Content => (set, text);

    public override bool Ends => Parent!.Ends && text.Accepts(set);

    public override int Closing(Reading reading) => text.Accepts(set) ? Parent!.Closing(reading) : First(reading, "0123456789.+-"u8);

    public override void Step(byte next, Reading reading, List<Frame> into)
    {
        if (text.Next(set, next) is { } longer)
        {
            into.Add(reading.One(new NumberFrame(set, longer, Parent!)));
            return;
        }
        if (!text.Accepts(set)) return;
        // The byte is not the number's, so what is remembered of it is one byte shorter.
        if (Parent!.Ended(reading, reading.Length - 1) is { } ended) reading.One(ended).Step(next, reading, into);
    }
}

/// <summary>Inside a string.</summary>
internal sealed class TextFrame(TextLanguage language, TextPlace place, Frame parent) : Frame(parent), ITextFrame
{
    protected override object Content => (language, place);

    public int Free => place.Mode == TextMode.Plain ? language.Free(place.State, place.Count) : 0;

    public override void Step(byte next, Reading reading, List<Frame> into)
    {
        if (next == '"' && place.Mode == TextMode.Plain)
        {
            if (language.Label(place.State, place.Count) >= 0 && Parent!.Ended(reading, reading.Length) is { } ended) into.Add(reading.One(ended));
            return;
        }
        if (place.Next(language, next, reading.Options.Plain, null) is { } further) into.Add(reading.One(new TextFrame(language, further, Parent!)));
    }

    public override int Only(Reading reading) => ITextFrame.OnlyByte(language, place, null, reading);

    public override int Closing(Reading reading) => ITextFrame.ClosingByte(language, place, null, reading) is >= 0 and var close ? close : First(reading, ITextFrame.AllBytes);
}

/// <summary>A string's inside, a value's or a key's.</summary>
internal interface ITextFrame
{
    /// <summary>Characters that may follow, whatever they are; int.MaxValue: any number.</summary>
    int Free { get; }

    static byte[] AllBytes { get; } = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];

    /// <summary>The byte that leads to the string's end by the shortest way; -1 inside a character, or where it is none of ASCII's.</summary>
    static int ClosingByte(TextLanguage language, TextPlace place, ulong[]? wanted, Reading reading)
    {
        if (place.Mode != TextMode.Plain) return -1;
        int nearest = language.Nearest(place.State, place.Count, wanted, out int looked);
        reading.Looked += looked;
        return nearest switch
        {
            TextLanguage.End => '"',
            >= 0x20 and < 0x80 and not '"' and not '\\' and var next => next,
            _ => -1,
        };
    }

    static int OnlyByte(TextLanguage language, TextPlace place, ulong[]? wanted, Reading reading)
    {
        if (!reading.Options.Plain || place.Mode != TextMode.Plain) return -1;
        return language.Only(place.State, place.Count, wanted) switch
        {
            TextLanguage.End => '"',
            >= 0x20 and < 0x80 and not '"' and not '\\' and var only => only,
            _ => -1,
        };
    }
}
