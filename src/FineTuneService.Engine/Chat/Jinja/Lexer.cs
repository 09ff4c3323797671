using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>
/// Cuts a template into text and tags, and tags into tokens, with Jinja's whitespace control: <c>-</c> strips, <c>+</c> keeps,
/// and as transformers sets them trim_blocks (the newline after a block goes) and lstrip_blocks (blanks before a block on its
/// line go).
/// </summary>
internal sealed partial class Lexer
{
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _position;
    private int _line = 1;
    private bool _atLineStart = true;

    private Lexer(string template)
    {
        _source = template.Replace("\r\n", "\n").Replace('\r', '\n');
        if (_source.EndsWith('\n')) _source = _source[..^1];
    }

    public static IReadOnlyList<Token> Tokenize(string template)
    {
        var lexer = new Lexer(template);
        try
        {
            lexer.Run();
        }
        catch (JinjaError error)
        {
            throw new ChatTemplateException(error.Message, lexer._line, error.Feature);
        }
        return lexer._tokens;
    }

    private void Run()
    {
        while (_position < _source.Length)
        {
            var tag = NextTag();
            var sign = tag + 2 < _source.Length && _source[tag + 2] is '-' or '+' ? _source[tag + 2] : '\0';
            var kind = tag < _source.Length ? _source[tag + 1] : '\0';
            AddText(tag, kind, sign);
            if (kind == '\0') break;
            Advance(tag + (sign == '\0' ? 2 : 3));
            if (kind == '#') SkipComment();
            else if (kind == '%' && RawBegin().Match(_source, _position) is { Success: true } raw) CopyRaw(raw);
            else if (kind == '%') LexTag(TokenKind.BlockBegin, "{%", TokenKind.BlockEnd, "%}");
            else LexTag(TokenKind.PrintBegin, "{{", TokenKind.PrintEnd, "}}");
        }
        _tokens.Add(new Token(TokenKind.End, "", _line));
    }

    private int NextTag()
    {
        for (var at = _source.IndexOf('{', _position); at >= 0 && at + 1 < _source.Length; at = _source.IndexOf('{', at + 1))
            if (_source[at + 1] is '{' or '%' or '#') return at;
        return _source.Length;
    }

    private void AddText(int end, char tagKind, char sign)
    {
        var text = _source[_position..end];
        if (sign == '-') text = Text.TrimEnd(text);
        else if (sign != '+' && tagKind is '%' or '#') text = StripIndent(text);
        if (text.Length > 0) _tokens.Add(new Token(TokenKind.Text, text, _line));
        Advance(end);
    }

    private string StripIndent(string text)
    {
        var lineStart = text.LastIndexOf('\n') + 1;
        return (lineStart > 0 || _atLineStart) && Text.IsBlank(text.AsSpan(lineStart)) ? text[..lineStart] : text;
    }

    private void Advance(int to)
    {
        _line += _source.AsSpan(_position, to - _position).Count('\n');
        if (to > _position) _atLineStart = _source[to - 1] == '\n';
        _position = to;
    }

    private void SkipComment()
    {
        var end = _source.IndexOf("#}", _position, StringComparison.Ordinal);
        if (end < 0) throw new JinjaError("Missing end of comment tag");
        var sign = end > _position ? _source[end - 1] : '\0';
        Advance(end + 2);
        AfterTag(sign, trimsNewline: true);
    }

    private void CopyRaw(Match begin)
    {
        Advance(begin.Index + begin.Length);
        AfterTag(begin.Groups["sign"].Value.FirstOrDefault(), trimsNewline: false);
        var end = RawEnd().Match(_source, _position);
        if (!end.Success) throw new JinjaError("Missing end of raw directive");
        AddText(end.Index, '%', end.Groups["left"].Value.FirstOrDefault());
        Advance(end.Index + end.Length);
        AfterTag(end.Groups["right"].Value.FirstOrDefault(), trimsNewline: true);
    }

    private void LexTag(TokenKind begin, string beginText, TokenKind end, string endText)
    {
        _tokens.Add(new Token(begin, beginText, _line));
        var open = new Stack<char>();
        while (true)
        {
            while (_position < _source.Length && Text.IsSpace(_source[_position])) Advance(_position + 1);
            if (_position >= _source.Length) return;
            var sign = _source[_position] is '-' || (_source[_position] is '+' && end == TokenKind.BlockEnd)
                ? _source[_position] : '\0';
            if (open.Count == 0 && string.CompareOrdinal(_source, _position + (sign == '\0' ? 0 : 1), endText, 0, 2) == 0)
            {
                _tokens.Add(new Token(end, endText, _line));
                Advance(_position + (sign == '\0' ? 2 : 3));
                AfterTag(sign, trimsNewline: end == TokenKind.BlockEnd);
                return;
            }
            LexToken(open);
        }
    }

    /// <summary>What a tag's end does to the text behind it.</summary>
    private void AfterTag(char sign, bool trimsNewline)
    {
        if (sign == '-')
            while (_position < _source.Length && Text.IsSpace(_source[_position])) Advance(_position + 1);
        else if (sign != '+' && trimsNewline && _position < _source.Length && _source[_position] == '\n')
            Advance(_position + 1);
    }

    private void LexToken(Stack<char> open)
    {
        var match = TokenPattern().Match(_source, _position);
        if (!match.Success) throw new JinjaError($"unexpected char '{_source[_position]}' at {_position}");
        var (kind, value) = match.Groups["name"].Success ? (TokenKind.Name, match.Value)
            : match.Groups["string"].Success ? (TokenKind.String, StringLiteral.Unescape(match.ValueSpan[1..^1]))
            : match.Groups["float"].Success ? (TokenKind.Float, match.Value)
            : match.Groups["integer"].Success ? (TokenKind.Integer, match.Value)
            : (TokenKind.Operator, match.Value);
        if (kind == TokenKind.Operator) Balance(value, open);
        _tokens.Add(new Token(kind, value, _line));
        Advance(_position + match.Length);
    }

    private static void Balance(string value, Stack<char> open)
    {
        if (value is "(" or "[" or "{") open.Push(value switch { "(" => ')', "[" => ']', _ => '}' });
        if (value is not (")" or "]" or "}")) return;
        if (open.Count == 0) throw new JinjaError($"unexpected '{value}'");
        var expected = open.Pop();
        if (value[0] != expected) throw new JinjaError($"unexpected '{value}', expected '{expected}'");
    }

    [GeneratedRegex("""
        \G(?:(?<name>[^\W\d]\w*)
        |(?<string>'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*")
        |(?<float>(?<!\.)(?:[0-9]+_)*[0-9]+(?:(?:\.(?:[0-9]+_)*[0-9]+)?[eE][+-]?(?:[0-9]+_)*[0-9]+|\.(?:[0-9]+_)*[0-9]+))
        |(?<integer>0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?[0-9])*|0(?:_?0)*)
        |(?:\*\*|//|==|!=|<=|>=|[-+*/%~\[\](){}<>=.:|,;]))
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex TokenPattern();

    [GeneratedRegex(@"\G\s*raw\s*(?<sign>-?)%\}")]
    private static partial Regex RawBegin();

    [GeneratedRegex(@"\{%(?<left>[-+]?)\s*endraw\s*(?<right>[-+]?)%\}")]
    private static partial Regex RawEnd();
}
