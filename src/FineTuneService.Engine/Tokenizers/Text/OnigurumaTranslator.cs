using System.Text;
using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Tokenizers.Text;

/// <summary>
/// Rewrites a regular expression from Oniguruma's (Ruby) syntax, which tokenizer.json uses, to .NET's. They differ in \w, in '^',
/// '$' and '.', in nested character classes and possessive quantifiers (.NET has none), and in case folding: (?i:s) matches U+017F
/// there. What has no equal is refused by name.
/// </summary>
internal sealed class OnigurumaTranslator
{
    /// <summary>Groups, or classes, inside each other; and quantifiers behind each other, each of which makes a group.</summary>
    public const int MostLevels = 100;

    private const int LongestExpression = 20_000, MostQuantifiers = 4;

    private readonly string _source;
    private readonly StringBuilder _output = new();
    private int _position, _level;

    private OnigurumaTranslator(string source) => _source = source;

    /// <exception cref="TokenizerException">The expression is broken, or something in it has no equal in .NET.</exception>
    public static Regex ToRegex(string expression)
    {
        if (expression.Length > LongestExpression)
            throw new TokenizerException($"tokenizer.json: a regular expression is longer than {LongestExpression} characters.");
        var translator = new OnigurumaTranslator(expression);
        translator.Alternatives(ignoreCase: false);
        if (translator._position < expression.Length) throw translator.Refuse("an unmatched ')'");
        try
        {
            return new Regex(translator._output.ToString(), RegexOptions.CultureInvariant | RegexOptions.Compiled, PatternDeadline.OfOneMatch);
        }
        catch (ArgumentException e)
        {
            throw new TokenizerException($"tokenizer.json: the regular expression {expression} is broken: {e.Message}", e);
        }
    }

    private bool AtEnd => _position >= _source.Length;

    private void Alternatives(bool ignoreCase)
    {
        while (!AtEnd && _source[_position] != ')')
        {
            if (_source[_position] == '|')
            {
                _output.Append('|');
                _position++;
                continue;
            }

            // (?i) without a colon holds to the end of the group it stands in.
            if (TrySwitch(ref ignoreCase)) continue;
            var start = _output.Length;
            Atom(ignoreCase);
            Quantifiers(start);
        }
    }

    private bool TrySwitch(ref bool ignoreCase)
    {
        foreach (var (text, value) in new[] { ("(?i)", true), ("(?-i)", false) })
        {
            if (string.CompareOrdinal(_source, _position, text, 0, text.Length) != 0) continue;
            _position += text.Length;
            ignoreCase = value;
            return true;
        }

        return false;
    }

    private void Atom(bool ignoreCase)
    {
        var character = _source[_position++];
        switch (character)
        {
            case '(':
                Group(ignoreCase);
                break;
            case '[':
                _output.Append(OnigurumaClass.Read(_source, ref _position, ignoreCase));
                break;
            case '\\':
                _output.Append(OnigurumaEscape.Read(_source, ref _position, inClass: false));
                break;
            case '.':
                _output.Append("[^\\n]");
                break;
            case '^':
                _output.Append("(?m:^)");
                break;
            case '$':
                _output.Append("(?=\\n|\\z)");
                break;
            default:
                _output.Append(Literal(character, ignoreCase));
                break;
        }
    }

    private void Group(bool ignoreCase)
    {
        string[] kinds = ["?:", "?=", "?!", "?<=", "?<!", "?>", "?i:", "?-i:"];
        var kind = kinds.FirstOrDefault(kind => string.CompareOrdinal(_source, _position, kind, 0, kind.Length) == 0);
        if (kind is null && !AtEnd && _source[_position] == '?') throw Refuse("the group (" + _source[_position..Math.Min(_source.Length, _position + 3)]);
        _position += kind?.Length ?? 0;
        // Groups capture nothing here, and the case is spelled out letter by letter.
        _output.Append('(').Append(kind is null or "?i:" or "?-i:" ? "?:" : kind);
        if (++_level > MostLevels) throw Refuse($"more than {MostLevels} groups inside each other");
        Alternatives(kind switch { "?i:" => true, "?-i:" => false, _ => ignoreCase });
        _level--;
        if (AtEnd) throw Refuse("a group without ')'");
        _position++;
        _output.Append(')');
    }

    private void Quantifiers(int atomStart)
    {
        for (var count = 0; !AtEnd; count++)
        {
            var quantifier = Quantifier();
            if (quantifier.Length == 0) return;
            if (count == MostQuantifiers) throw Refuse($"more than {MostQuantifiers} quantifiers behind each other");
            _output.Append(quantifier);
            var next = AtEnd ? '\0' : _source[_position];
            if (next == '?')
            {
                _output.Append('?');
                _position++;
            }
            else if (next == '+' && quantifier[0] != '{')
            {
                // Possessive: once matched, nothing is given back.
                _output.Insert(atomStart, "(?>").Append(')');
                _position++;
            }
            else
            {
                // A quantifier on a quantified atom must not read as one of .NET's two-character ones.
                _output.Insert(atomStart, "(?:").Append(')');
            }
        }
    }

    private string Quantifier()
    {
        if (_source[_position] is '*' or '+' or '?') return _source[_position++].ToString();
        if (_source[_position] != '{') return "";
        var end = _source.IndexOf('}', _position);
        var bounds = end < 0 ? "" : _source[(_position + 1)..end];
        if (!Regex.IsMatch(bounds, "^[0-9]*(,[0-9]*)?$") || bounds is "" or ",") throw Refuse("a literal '{'");
        _position = end + 1;
        return bounds.StartsWith(',') ? $"{{0{bounds}}}" : $"{{{bounds}}}";
    }

    private static string Literal(char character, bool ignoreCase)
    {
        var cases = ignoreCase ? CasesOf(character) : "";
        return cases.Length > 0 ? $"[{cases}]" : Regex.Escape(character.ToString()).Replace("]", "\\]").Replace("}", "\\}");
    }

    /// <summary>The ASCII letter in all its cases, "" for other characters: a long s and a Kelvin sign fold to s and k.</summary>
    public static string CasesOf(char character) => char.IsAsciiLetter(character)
        ? char.ToLowerInvariant(character) switch
        {
            's' => "sS\u017F",
            'k' => "kK\u212A",
            var lower => $"{lower}{char.ToUpperInvariant(lower)}",
        }
        : "";

    private TokenizerException Refuse(string what) => Refuse(_source, what);

    public static TokenizerException Refuse(string expression, string what) =>
        new($"tokenizer.json: {what} is not supported in the regular expression {(expression.Length > 200 ? expression[..200] + "…" : expression)}");
}
