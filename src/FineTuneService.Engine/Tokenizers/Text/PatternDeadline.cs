using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Tokenizers.Text;

/// <summary>
/// Ends a regular expression that takes too long: .NET bounds the time of one match, and this the time of all of them. Expressions come
/// with models, and some take time that doubles with each character; those of published tokenizers pass over megabytes in a second.
/// </summary>
internal readonly struct PatternDeadline
{
    public static readonly TimeSpan OfOneMatch = TimeSpan.FromSeconds(5);

    private const int MostSeconds = 60;

    private readonly Regex _regex;
    private readonly long _end;

    private PatternDeadline(Regex regex, long end) => (_regex, _end) = (regex, end);

    public static PatternDeadline Start(Regex regex) => new(regex, Environment.TickCount64 + (MostSeconds * 1000L));

    /// <exception cref="TokenizerException">It takes too long.</exception>
    public bool Next(ref Regex.ValueMatchEnumerator matches)
    {
        try
        {
            if (Environment.TickCount64 <= _end) return matches.MoveNext();
        }
        catch (RegexMatchTimeoutException)
        {
            // The same as running out of time between two matches.
        }
        throw new TokenizerException($"tokenizer.json: the regular expression {Shown} takes too long on this text.");
    }

    private string Shown => _regex.ToString() is { Length: > 200 } pattern ? pattern[..200] + "…" : _regex.ToString();
}
