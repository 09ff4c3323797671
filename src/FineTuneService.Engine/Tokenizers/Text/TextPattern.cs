using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Tokenizers.Text;

/// <summary>What tokenizer.json calls a pattern: a plain text, or a regular expression in Oniguruma's syntax over code points.</summary>
internal sealed class TextPattern
{
    private readonly string? _literal;
    private readonly Regex? _regex;

    private TextPattern(string? literal, Regex? regex)
    {
        _literal = literal;
        _regex = regex;
    }

    /// <summary>The plain text, or null where this is a regular expression.</summary>
    public string? Literal => _literal;

    public static TextPattern OfLiteral(string text) => new(text, null);

    /// <exception cref="TokenizerException">Something in the expression that has no equal here.</exception>
    public static TextPattern OfRegex(string expression) => new(null, OnigurumaTranslator.ToRegex(expression));

    /// <summary>Reads {"String": …} or {"Regex": …}.</summary>
    public static TextPattern Read(JsonElement json) => json.TryGetProperty("Regex", out _)
        ? OfRegex(json.RequiredText("Regex"))
        : OfLiteral(json.RequiredText("String"));

    public List<Piece> Matches(ReadOnlySpan<char> text)
    {
        var matches = new List<Piece>();
        FindMatches(text, matches);
        return matches;
    }

    /// <summary>Appends the matches in order; they do not overlap.</summary>
    public void FindMatches(ReadOnlySpan<char> text, List<Piece> matches)
    {
        if (_literal is not null) FindLiteral(text, _literal, matches);
        else if (text.IndexOfAnyInRange('\uD800', '\uDFFF') < 0) FindRegex(text, _regex!, matches);
        else FindInAstralText(text, _regex!, matches);
    }

    public string Replace(string text, string content)
    {
        var matches = Matches(text);
        if (matches.Count == 0) return text;
        var output = new StringBuilder();
        var end = 0;
        foreach (var match in matches)
        {
            output.Append(text, end, match.Start - end).Append(content);
            end = match.End;
        }

        return output.Append(text, end, text.Length - end).ToString();
    }

    private static void FindLiteral(ReadOnlySpan<char> text, string literal, List<Piece> matches)
    {
        if (literal.Length == 0) return;
        for (var start = 0; text[start..].IndexOf(literal, StringComparison.Ordinal) is >= 0 and var found; start = matches[^1].End)
            matches.Add(new Piece(start + found, start + found + literal.Length));
    }

    private static void FindRegex(ReadOnlySpan<char> text, Regex regex, List<Piece> matches)
    {
        var deadline = PatternDeadline.Start(regex);
        var found = regex.EnumerateMatches(text);
        while (deadline.Next(ref found)) matches.Add(new Piece(found.Current.Index, found.Current.Index + found.Current.Length));
    }

    // .NET's expressions see UTF-16 units, so a letter outside the Basic Multilingual Plane is no \p{L}: match a stand-in text.
    private static void FindInAstralText(ReadOnlySpan<char> text, Regex regex, List<Piece> matches)
    {
        var (standIn, indices) = AstralStandIn.Of(text);
        var deadline = PatternDeadline.Start(regex);
        var found = regex.EnumerateMatches(standIn);
        while (deadline.Next(ref found)) matches.Add(new Piece(indices[found.Current.Index], indices[found.Current.Index + found.Current.Length]));
    }
}
