using FineTuneService.Engine.Generation.Schemas.Texts;

namespace FineTuneService.Engine.Generation.Schemas.Frames;

internal enum TextMode : byte
{
    Plain,
    Escaped,

    /// <summary>Behind \u, with digits to come.</summary>
    Hex,

    /// <summary>Inside a character of several bytes.</summary>
    Bytes,

    /// <summary>Behind the first half of a character: a \ must follow, then a u.</summary>
    LowEscape,
    LowU,
}

/// <summary>
/// A place inside a JSON string: where its language is, and how much of the next character has been read. A part of a character goes on only
/// where some character that begins so may follow.
/// </summary>
/// <param name="State">Of the language.</param>
/// <param name="Count">Code points, as many as matter.</param>
/// <param name="Left">Bytes or hexadecimal digits of the character that are to come.</param>
/// <param name="Value">What has been read of it.</param>
/// <param name="High">The first half of a character, or 0.</param>
internal readonly record struct TextPlace(int State, int Count, TextMode Mode = TextMode.Plain, byte Left = 0, int Value = 0, int High = 0)
{
    /// <returns>Null where no text of the language goes on so. A closing quote is the caller's.</returns>
    public TextPlace? Next(TextLanguage language, byte next, bool plain, ulong[]? wanted) => Mode switch
    {
        TextMode.Plain when next == '\\' => Escapable(language, plain, wanted) ? this with { Mode = TextMode.Escaped } : null,
        TextMode.Plain => First(language, next, wanted),
        TextMode.Escaped => Escaped(language, next, plain, wanted),
        TextMode.Hex => Digit(language, next, plain, wanted),
        TextMode.Bytes => next is >= 0x80 and < 0xC0 ? Part(language, (Value << 6) | (next & 0x3F), Left - 1, wanted) : null,
        TextMode.LowEscape => next == '\\' ? this with { Mode = TextMode.LowU } : null,
        _ => next == 'u' ? this with { Mode = TextMode.Hex, Left = 4, Value = 0 } : null,
    };

    private TextPlace? Character(TextLanguage language, int codePoint, ulong[]? wanted) =>
        language.Next(State, Count, codePoint, wanted) is >= 0 and var state ? new TextPlace(state, language.Counted(Count + 1)) : null;

    private TextPlace? First(TextLanguage language, byte next, ulong[]? wanted) => next switch
    {
        < 0x20 => null,
        < 0x80 => Character(language, next, wanted),
        < 0xC2 => null,
        < 0xE0 => Part(language, next & 0x1F, 1, wanted),
        < 0xF0 => Part(language, next & 0x0F, 2, wanted),
        < 0xF5 => Part(language, next & 0x07, 3, wanted),
        _ => null,
    };

    private TextPlace? Part(TextLanguage language, int value, int left, ulong[]? wanted)
    {
        int size = Mode == TextMode.Bytes ? High : left + 1; // High holds the length while bytes are read.
        if (left == 0) return new TextPlace(State, Count).Character(language, value, wanted);
        int first = Math.Max(value << (6 * left), size switch { 2 => 0x80, 3 => 0x800, _ => 0x10000 }), last = Math.Min(((value + 1) << (6 * left)) - 1, CodePointSet.Last);
        return first <= last && language.Any(State, Count, first, last, wanted) ? new TextPlace(State, Count, TextMode.Bytes, (byte)left, value, size) : null;
    }

    /// <summary>Whether some character may follow that is written with a \.</summary>
    private bool Escapable(TextLanguage language, bool plain, ulong[]? wanted) => !plain ? language.Any(State, Count, 0, CodePointSet.Last, wanted)
        : language.Any(State, Count, 0, 0x1F, wanted) || language.Any(State, Count, '"', '"', wanted) || language.Any(State, Count, '\\', '\\', wanted);

    private TextPlace? Escaped(TextLanguage language, byte next, bool plain, ulong[]? wanted)
    {
        int codePoint = next switch
        {
            (byte)'"' or (byte)'\\' => next,
            (byte)'/' when !plain => '/',
            (byte)'b' => '\b',
            (byte)'f' => '\f',
            (byte)'n' => '\n',
            (byte)'r' => '\r',
            (byte)'t' => '\t',
            _ => -1,
        };
        if (codePoint >= 0) return Character(language, codePoint, wanted);
        return next == 'u' && language.Any(State, Count, 0, plain ? 0x1F : CodePointSet.Last, wanted) ? new TextPlace(State, Count, TextMode.Hex, 4) : null;
    }

    private TextPlace? Digit(TextLanguage language, byte next, bool plain, ulong[]? wanted)
    {
        int digit = next switch
        {
            >= (byte)'0' and <= (byte)'9' => next - '0',
            >= (byte)'a' and <= (byte)'f' => next - 'a' + 10,
            >= (byte)'A' and <= (byte)'F' => next - 'A' + 10,
            _ => -1,
        };
        if (digit < 0) return null;
        (int value, int left) = ((Value << 4) | digit, Left - 1);
        int first = value << (4 * left), last = ((value + 1) << (4 * left)) - 1;
        if (High != 0)
        {
            (first, last) = (Math.Max(first, 0xDC00), Math.Min(last, 0xDFFF));
            if (first > last) return null;
            (int low, int high) = (0x10000 + ((High - 0xD800) << 10) + (first - 0xDC00), 0x10000 + ((High - 0xD800) << 10) + (last - 0xDC00));
            if (left == 0) return new TextPlace(State, Count).Character(language, low, wanted);
            return language.Any(State, Count, low, high, wanted) ? this with { Left = (byte)left, Value = value } : null;
        }
        if (plain && first > 0x1F) return null;
        if (left == 0) return value is >= 0xD800 and < 0xDC00 ? Half(language, value, wanted) : value is >= 0xDC00 and < 0xE000 ? null : new TextPlace(State, Count).Character(language, value, wanted);
        bool any = language.Any(State, Count, first, plain ? Math.Min(last, 0x1F) : last, wanted)
            || (first <= 0xDBFF && last >= 0xD800 && language.Any(State, Count, 0x10000 + ((Math.Max(first, 0xD800) - 0xD800) << 10), 0x10000 + ((Math.Min(last, 0xDBFF) - 0xD800 + 1) << 10) - 1, wanted));
        return any ? this with { Left = (byte)left, Value = value } : null;
    }

    private TextPlace? Half(TextLanguage language, int high, ulong[]? wanted)
    {
        int first = 0x10000 + ((high - 0xD800) << 10);
        return language.Any(State, Count, first, first + 0x3FF, wanted) ? new TextPlace(State, Count, TextMode.LowEscape, 0, 0, high) : null;
    }
}
