using System.Text;
using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Evaluation.Metrics;

/// <summary>How BLEU splits a text into words: sacrebleu's tokenizers (https://github.com/mjpost/sacrebleu), by their names.</summary>
public enum BleuTokenizer
{
    /// <summary>13a: mteval-v13a's, sacrebleu's default.</summary>
    Mteval13a,

    /// <summary>char: every character.</summary>
    Characters,

    /// <summary>intl: mteval-v14's, by Unicode classes.</summary>
    International,

    /// <summary>none: at white space.</summary>
    None,
}

/// <summary>The tokenizers' rules.</summary>
internal static partial class BleuWords
{
    public static string[] Split(string text, BleuTokenizer tokenizer)
    {
        string trimmed = PythonText.TrimEnd(text);
        return tokenizer switch
        {
            BleuTokenizer.Mteval13a => PythonText.Words(Mteval13a(trimmed)),
            BleuTokenizer.Characters => [.. PythonText.Words(trimmed).SelectMany(PythonText.Characters)],
            BleuTokenizer.International => PythonText.Words(International(trimmed)),
            _ => PythonText.Words(trimmed),
        };
    }

    private static string Mteval13a(string line)
    {
        line = line.Replace("<skipped>", "", StringComparison.Ordinal).Replace("-\n", "", StringComparison.Ordinal).Replace('\n', ' ');
        if (line.Contains('&'))
        {
            line = line.Replace("&quot;", "\"", StringComparison.Ordinal).Replace("&amp;", "&", StringComparison.Ordinal)
                .Replace("&lt;", "<", StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal);
        }
        line = AsciiSigns().Replace($" {line} ", " $1 ");
        line = SignAfterOther().Replace(line, "$1 $2 ");
        line = SignBeforeOther().Replace(line, " $1 $2");
        return DashAfterDigit().Replace(line, "$1 $2 ");
    }

    /// <summary>A punctuation sign stands alone unless it is between digits; a symbol always does.</summary>
    private static string International(string line)
    {
        Rune[] runes = [.. line.EnumerateRunes()];
        // The three rules are applied one after the other, and a rule's match takes two characters; so does this.
        runes = Around(runes, (before, sign) => !PythonText.IsNumber(before) && PythonText.IsPunctuation(sign), keepFirst: true);
        runes = Around(runes, (sign, after) => PythonText.IsPunctuation(sign) && !PythonText.IsNumber(after), keepFirst: false);
        var text = new StringBuilder();
        foreach (Rune rune in runes) text.Append(PythonText.IsSymbol(rune) ? $" {rune} " : rune.ToString());
        return text.ToString();
    }

    /// <summary>Replaces each pair: "a b␠" where the first is kept beside what came before, else "␠a␠b".</summary>
    private static Rune[] Around(Rune[] runes, Func<Rune, Rune, bool> matches, bool keepFirst)
    {
        var result = new List<Rune>();
        var space = new Rune(' ');
        for (int i = 0; i < runes.Length; i++)
        {
            if (i + 1 < runes.Length && matches(runes[i], runes[i + 1]))
            {
                result.AddRange(keepFirst ? [runes[i], space, runes[i + 1], space] : [space, runes[i], space, runes[i + 1]]);
                i++;
            }
            else
            {
                result.Add(runes[i]);
            }
        }
        return [.. result];
    }

    [GeneratedRegex(@"([\{-\~\[-\` -\&\(-\+\:-\@\/])")]
    private static partial Regex AsciiSigns();

    [GeneratedRegex(@"([^0-9])([\.,])")]
    private static partial Regex SignAfterOther();

    [GeneratedRegex(@"([\.,])([^0-9])")]
    private static partial Regex SignBeforeOther();

    [GeneratedRegex(@"([0-9])(-)")]
    private static partial Regex DashAfterDigit();
}
