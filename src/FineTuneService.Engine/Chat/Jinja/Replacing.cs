using System.Numerics;
using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The methods of Python's str that put other characters in the place of some.</summary>
internal static class Replacing
{
    /// <param name="count">Places at most, from the left; negative for all.</param>
    public static string Replace(string text, string old, string replacement, int count, Budget budget)
    {
        var result = new TextBuilder(budget);
        var from = 0;
        foreach (var at in old.Length == 0 ? BetweenAll(text) : TextSearch.All(text, old, budget))
        {
            if (count-- == 0) break;
            result.Append(text, from, at - from).Append(replacement);
            from = at + old.Length;
        }
        return result.Append(text, from, text.Length - from).ToString();
    }

    /// <param name="table">From code points to code points, texts or None.</param>
    public static string Translate(string text, object? table, Budget budget)
    {
        if (table is not Dict map) throw new JinjaError($"'{Python.TypeName(table)}' object is not subscriptable");
        var result = new TextBuilder(budget);
        foreach (var rune in text.EnumerateRunes())
        {
            if (!map.TryGet(new BigInteger(rune.Value), out var value)) result.Append(rune);
            else if (value is string replacement) result.Append(replacement);
            else if (value is not null)
                result.Append(Rune.IsValid(Numbers.ToIndex(value)) ? new Rune(Numbers.ToIndex(value)) : throw new JinjaError("character mapping must be in range(0x110000)"));
        }
        return result.ToString();
    }

    /// <summary><c>str.maketrans</c>: of a dict, or of two texts of one length and a third whose characters go.</summary>
    public static object? MakeTable(Arguments arguments)
    {
        var table = new Dict(arguments.Budget);
        if (arguments.Positional.Count == 1)
        {
            if (arguments[0] is not Dict map) throw new JinjaError("if you give only one argument to maketrans it must be a dict");
            foreach (var (key, value) in map)
                table[key is string character && Text.Length(character) == 1 ? new BigInteger(character.EnumerateRunes().First().Value) : key] = value;
            return table;
        }
        Rune[] from = [.. arguments.RequireText(0, "x").EnumerateRunes()], to = [.. arguments.RequireText(1, "y").EnumerateRunes()];
        if (from.Length != to.Length) throw new JinjaError("the first two maketrans arguments must have equal length");
        for (var i = 0; i < from.Length; i++) table[new BigInteger(from[i].Value)] = new BigInteger(to[i].Value);
        foreach (var rune in arguments.GetText(2, "z", "").EnumerateRunes()) table[new BigInteger(rune.Value)] = null;
        return table;
    }

    public static string ExpandTabs(string text, int size, Budget budget)
    {
        var result = new TextBuilder(budget);
        var column = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value != '\t')
            {
                result.Append(rune);
                column = rune.Value is '\n' or '\r' ? 0 : column + 1;
            }
            else if (size > 0)
            {
                result.Append(' ', size - (column % size));
                column += size - (column % size);
            }
        }
        return result.ToString();
    }

    /// <summary>Before every character and behind the last.</summary>
    private static IEnumerable<int> BetweenAll(string text)
    {
        for (var at = 0; at < text.Length; at++)
            if (at == 0 || !char.IsSurrogatePair(text[at - 1], text[at])) yield return at;
        yield return text.Length;
    }
}
