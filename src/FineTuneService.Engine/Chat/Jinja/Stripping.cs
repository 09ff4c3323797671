using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Takes characters off a text's ends.</summary>
internal static class Stripping
{
    /// <param name="characters">The set of characters to take off, or null for blanks.</param>
    public static string Strip(string text, object? characters, bool left, bool right)
    {
        if (characters is not (null or string)) throw new JinjaError($"strip arg must be None or str, not {Python.TypeName(characters)}");
        HashSet<Rune>? set = characters is string given ? [.. given.EnumerateRunes()] : null;
        bool Strips(Rune rune) => set?.Contains(rune) ?? (rune.IsBmp && Text.IsSpace((char)rune.Value));
        var rest = text.AsSpan();
        while (left && rest.Length > 0 && Rune.DecodeFromUtf16(rest, out var first, out var width) is var _ && Strips(first)) rest = rest[width..];
        while (right && rest.Length > 0 && Rune.DecodeLastFromUtf16(rest, out var last, out var width) is var _ && Strips(last)) rest = rest[..^width];
        return rest.Length == text.Length ? text : rest.ToString();
    }
}
