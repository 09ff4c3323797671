using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>
/// Cuts a template into text and tags, and tags into tokens, with Jinja's whitespace control: <c>-</c> strips, <c>+</c> keeps, and
/// as transformers sets them trim_blocks (the newline after a block goes) and lstrip_blocks (blanks before a block on its line go).
/// </summary>
internal sealed partial class Lexer
{
    private readonly string source;
    private readonly List<Token> tokens = [];
    private int position;
    private int line = 1;
    private bool atLineStart = true;

    private Lexer(string template)
    {
        source = template.Replace("\r\n", "\n").Replace('\r', '\n');
        if (source.EndsWith('\n')) source = source[..^1];
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
            throw new ChatTemplateException(error.Message, lexer.line, error.Feature);
        }
        return lexer.tokens;
    }

    private void Run()
    {
        while (position < source.Length)
        {
            var tag = NextTag();
            var sign = tag + 2 < source.Length && source[tag + 2] is '-' or '+' ? source[tag + 2] : '\0';
            var kind = tag < source.Length ? source[tag + 1] : '\0';
            AddText(tag, kind, sign);
            if (kind == '\0') break;
            Advance(tag + (sign == '\0' ? 2 : 3));
            if (kind == '#') SkipComment();
            else if (kind == '%' && RawBegin().Match(source, position) is { Success: true } raw) CopyRaw(raw);
            else if (kind == '%') LexTag(TokenKind.BlockBegin, "{%", TokenKind.BlockEnd, "%}");
            else LexTag(TokenKind.PrintBegin, "{{", TokenKind.PrintEnd, "}}");
        }
        tokens.Add(new Token(TokenKind.End, "", line));
    }

    private int NextTag()
    {
        for (var at = source.IndexOf('{', position); at >= 0 && at + 1 < source.Length; at = source.IndexOf('{', at + 1))
            if (source[at + 1] is '{' or '%' or '#') return at;
        return source.Length;
    }

    private void AddText(int end, char tagKind, char sign)
    {
        var text = source[position..end];
        if (sign == '-') text = Text.TrimEnd(text);
        else if (sign != '+' && tagKind is '%' or '#') text = StripIndent(text);
        if (text.Length > 0) tokens.Add(new Token(TokenKind.Text, text, line));
        Advance(end);
    }

    private string StripIndent(string text)
    {
        var lineStart = text.LastIndexOf('\n') + 1;
        return (lineStart > 0 || atLineStart) && Text.IsBlank(text.AsSpan(lineStart)) ? text[..lineStart] : text;
    }

    private void Advance(int to)
    {
        line += source.AsSpan(position, to - position).Count('\n');
        if (to > position) atLineStart = source[to - 1] == '\n';
        position = to;
    }

    private void SkipComment()
    {
        var end = source.IndexOf("#}", position, StringComparison.Ordinal);
        if (end < 0) throw new JinjaError("Missing end of comment tag");
        var sign = end > position ? source[end - 1] : '\0';
        Advance(end + 2);
        AfterTag(sign, trimsNewline: true);
    }

    private void CopyRaw(Match begin)
    {
        Advance(begin.Index + begin.Length);
        AfterTag(begin.Groups["sign"].Value.FirstOrDefault(), trimsNewline: false);
        var end = RawEnd().Match(source, position);
        if (!end.Success) throw new JinjaError("Missing end of raw directive");
        AddText(end.Index, '%', end.Groups["left"].Value.FirstOrDefault());
        Advance(end.Index + end.Length);
        AfterTag(end.Groups["right"].Value.FirstOrDefault(), trimsNewline: true);
    }

    private void LexTag(TokenKind begin, string beginText, TokenKind end, string endText)
    {
        tokens.Add(new Token(begin, beginText, line));
        var open = new Stack<char>();
        while (true)
        {
            while (position < source.Length && Text.IsSpace(source[position])) Advance(position + 1);
            if (position >= source.Length) return;
            var sign = source[position] is '-' || (source[position] is '+' && end == TokenKind.BlockEnd) ? source[position] : '\0';
            if (open.Count == 0 && string.CompareOrdinal(source, position + (sign == '\0' ? 0 : 1), endText, 0, 2) == 0)
            {
                tokens.Add(new Token(end, endText, line));
                Advance(position + (sign == '\0' ? 2 : 3));
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
            while (position < source.Length && Text.IsSpace(source[position])) Advance(position + 1);
        else if (sign != '+' && trimsNewline && position < source.Length && source[position] == '\n')
            Advance(position + 1);
    }

    private void LexToken(Stack<char> open)
    {
        var match = TokenPattern().Match(source, position);
        if (!match.Success) throw new JinjaError($"unexpected char '{source[position]}' at {position}");
        var (kind, value) = match.Groups["name"].Success ? (TokenKind.Name, match.Value)
            : match.Groups["string"].Success ? (TokenKind.String, StringLiteral.Unescape(match.ValueSpan[1..^1]))
            : match.Groups["float"].Success ? (TokenKind.Float, match.Value)
            : match.Groups["integer"].Success ? (TokenKind.Integer, match.Value)
            : (TokenKind.Operator, match.Value);
        if (kind == TokenKind.Operator) Balance(value, open);
        tokens.Add(new Token(kind, value, line));
        Advance(position + match.Length);
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
