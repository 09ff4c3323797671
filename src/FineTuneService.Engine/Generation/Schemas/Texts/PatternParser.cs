using System.Globalization;
using System.Text;

namespace FineTuneService.Engine.Generation.Schemas.Texts;

/// <summary>
/// Reads ECMAScript's regular expressions, in their Unicode mode, as JSON Schema's <c>pattern</c> has them. What is no regular language
/// (look-around, back references, word boundaries) is refused.
/// </summary>
internal sealed class PatternParser
{
    private const int MostNested = 64, LargestCount = 10_000;

    private readonly string _text;
    private int _at, _depth;

    private PatternParser(string text) => _text = text;

    /// <exception cref="FormatException">What of it is not supported, or not a pattern.</exception>
    public static PatternTree Parse(string pattern)
    {
        var parser = new PatternParser(pattern);
        PatternTree tree = parser.Alternatives();
        return parser._at == pattern.Length ? tree : throw new FormatException("has a ) that closes nothing");
    }

    private bool More => _at < _text.Length;

    private bool Take(string expected)
    {
        if (!_text.AsSpan(_at).StartsWith(expected, StringComparison.Ordinal)) return false;
        _at += expected.Length;
        return true;
    }

    private PatternTree Alternatives()
    {
        if (++_depth > MostNested) throw new FormatException("nests too deep");
        var parts = new List<PatternTree>();
        do
        {
            var sequence = new List<PatternTree>();
            while (More && _text[_at] is not ('|' or ')')) sequence.Add(Quantified(Part()));
            parts.Add(sequence.Count == 1 ? sequence[0] : new InOrder(sequence));
        }
        while (Take("|"));
        _depth--;
        return parts.Count == 1 ? parts[0] : new Either(parts);
    }

    private PatternTree Part()
    {
        if (Take("^")) return new Edge(false);
        if (Take("$")) return new Edge(true);
        if (Take(".")) return new OneOf(CharacterClasses.Dot);
        if (Take("[")) return new OneOf(Class());
        if (Take("(")) return Group();
        if (Take("\\")) return new OneOf(Escape(inClass: false, out _));
        if (_text[_at] is '*' or '+' or '?') throw new FormatException($"has a {_text[_at]} with nothing to repeat");
        int one = CodePoint();
        return new OneOf(CodePointSet.Of((one, one)));
    }

    private PatternTree Group()
    {
        if (Take("?=") || Take("?!") || Take("?<=") || Take("?<!")) throw new FormatException("has a look-around, which no automaton can follow");
        if (Take("?<"))
        {
            int end = _text.IndexOf('>', _at);
            if (end < 0) throw new FormatException("has a group's name that does not end");
            _at = end + 1;
        }
        else if (_at < _text.Length && _text[_at] == '?' && !Take("?:")) throw new FormatException("has a group of a kind that is not ECMAScript's");
        PatternTree inner = Alternatives();
        return Take(")") ? inner : throw new FormatException("has a ( that is not closed");
    }

    private PatternTree Quantified(PatternTree part)
    {
        while (More)
        {
            (int Least, int Most)? count = _text[_at] switch
            {
                '*' => (0, int.MaxValue),
                '+' => (1, int.MaxValue),
                '?' => (0, 1),
                '{' => Count(),
                _ => null,
            };
            if (count is not { } range) return part;
            if (_text[_at] != '{') _at++;
            else _at = _text.IndexOf('}', _at) + 1;
            if (part is Edge) throw new FormatException("repeats an edge of the text");
            Take("?"); // Lazy or not: the same texts match.
            part = new Repeat(part, range.Least, range.Most);
        }
        return part;
    }

    private (int, int)? Count()
    {
        int end = _text.IndexOf('}', _at);
        if (end < 0) return null;
        string[] ends = _text[(_at + 1)..end].Split(',');
        if (ends.Length > 2 || !Number(ends[0], out int least)) return null;
        int most = least;
        if (ends.Length == 2 && ends[1].Length == 0) most = int.MaxValue;
        else if (ends.Length == 2 && !Number(ends[1], out most)) return null;
        if (least > most) throw new FormatException("has a count whose bounds are the wrong way round");
        return (least, most);
    }

    private static bool Number(string text, out int number)
    {
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number)) return false;
        return number <= LargestCount ? true : throw new FormatException($"repeats more than {LargestCount} times");
    }

    private CodePointSet Class()
    {
        bool negated = Take("^");
        CodePointSet set = CodePointSet.Of();
        while (!Take("]"))
        {
            if (!More) throw new FormatException("has a [ that is not closed");
            CodePointSet first = ClassItem(out int low);
            if (low >= 0 && _at + 1 < _text.Length && _text[_at] == '-' && _text[_at + 1] != ']')
            {
                _at++;
                ClassItem(out int high);
                if (high < low) throw new FormatException("has a range of characters that ends before it begins, or at a class");
                first = CodePointSet.Of((low, high));
            }
            set = set.Or(first);
        }
        return negated ? set.Not() : set;
    }

    private CodePointSet ClassItem(out int single)
    {
        if (Take("\\")) return Escape(inClass: true, out single);
        single = CodePoint();
        return CodePointSet.Of((single, single));
    }

    private int CodePoint()
    {
        int one = Rune.TryGetRuneAt(_text, _at, out Rune rune) ? rune.Value : throw new FormatException("has half a character");
        _at += one > 0xFFFF ? 2 : 1;
        return one;
    }

    /// <param name="single">The character that it stands for, or -1 for a class.</param>
    private CodePointSet Escape(bool inClass, out int single)
    {
        single = -1;
        if (!More) throw new FormatException("ends in a \\");
        char letter = _text[_at++];
        switch (letter)
        {
            case 'd': return CharacterClasses.Digit;
            case 'D': return CharacterClasses.Digit.Not();
            case 'w': return CharacterClasses.Word;
            case 'W': return CharacterClasses.Word.Not();
            case 's': return CharacterClasses.Space;
            case 'S': return CharacterClasses.Space.Not();
            case 'p' or 'P': return letter == 'p' ? Category() : Category().Not();
        }
        single = letter switch
        {
            't' => '\t',
            'n' => '\n',
            'v' => '\v',
            'f' => '\f',
            'r' => '\r',
            'b' when inClass => '\b',
            '0' when !More || !char.IsAsciiDigit(_text[_at]) => 0,
            'c' when More && char.IsAsciiLetter(_text[_at]) => _text[_at++] % 32,
            'x' => Hex(2),
            'u' => Unicode(),
            _ when char.IsAsciiLetterOrDigit(letter) => throw new FormatException($"has \\{letter}, which {(letter is 'b' or 'B' or 'k' || char.IsAsciiDigit(letter) ? "no automaton can follow" : "is not ECMAScript's")}"),
            _ => letter,
        };
        return CodePointSet.Of((single, single));
    }

    private CodePointSet Category()
    {
        int end = _text.IndexOf('}', _at);
        if (!Take("{") || end < 0) throw new FormatException("has a \\p without a name in braces");
        string name = _text[_at..end];
        _at = end + 1;
        return CharacterClasses.Category(name) ?? throw new FormatException($"has \\p{{{name}}}, which is not one of the general categories");
    }

    private int Hex(int digits)
    {
        if (_at + digits > _text.Length || !int.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value))
            throw new FormatException("has an escape whose hexadecimal digits are missing");
        _at += digits;
        return value;
    }

    private int Unicode()
    {
        if (Take("{"))
        {
            int end = _text.IndexOf('}', _at);
            if (end < 0 || end - _at > 6) throw new FormatException("has an escape whose brace is not closed");
            int value = Hex(end - _at);
            _at++;
            return value <= CodePointSet.Last ? value : throw new FormatException("has an escape beyond Unicode");
        }
        int high = Hex(4);
        if (!char.IsHighSurrogate((char)high) || !Take("\\u")) return high;
        return char.ConvertToUtf32((char)high, (char)Hex(4) is var low && char.IsLowSurrogate(low) ? low : throw new FormatException("has half a character"));
    }
}
