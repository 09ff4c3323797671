using System.Diagnostics;
using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Lora;

/// <summary>A Python regular expression over module names. They are a user's: a pattern's length and time are bounded.</summary>
internal sealed class PythonPattern
{
    private const int LongestText = 2000;
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(2);

    private readonly string _text;
    private readonly Regex _regex;
    private readonly Stopwatch _spent = new();

    private PythonPattern(string text, string whole)
    {
        if (text.Length > LongestText) throw new ArgumentException($"a pattern of {text.Length} characters is too long; {LongestText} are the most");
        _text = text;
        try
        {
            string names = whole.Replace("(?P<", "(?<", StringComparison.Ordinal).Replace("\\Z", "\\z", StringComparison.Ordinal);
            _regex = new Regex(names, RegexOptions.CultureInvariant, Most);
        }
        catch (ArgumentException error)
        {
            throw new ArgumentException($"'{text}' is not a regular expression: {error.Message}");
        }
    }

    /// <summary>re.fullmatch.</summary>
    /// <exception cref="ArgumentException">It is no regular expression, or too long.</exception>
    public static PythonPattern Whole(string pattern) => new(pattern, $@"\A(?:{pattern})\z");

    /// <summary>The last parts of a name, as rank_pattern's keys: re.match("(.*\.)?(pattern)$").</summary>
    /// <inheritdoc cref="Whole"/>
    public static PythonPattern Suffix(string pattern) => new(pattern, $@"\A(?:.*\.)?(?:{pattern})$");

    /// <summary>The number of a layer in lists of this name: re.match(".*\.pattern\.(\d+)\.").</summary>
    /// <inheritdoc cref="Whole"/>
    public static PythonPattern Layer(string pattern) => new(pattern, $@"\A.*\.(?:{pattern})\.(?<layer>\d+)\.");

    /// <exception cref="ArgumentException">It takes too long.</exception>
    public bool Matches(string name) => Match(name).Success;

    /// <summary>The layer that a name says, or null.</summary>
    /// <inheritdoc cref="Matches"/>
    public int? LayerOf(string name) => Match(name) is { Success: true } match && int.TryParse(match.Groups["layer"].ValueSpan, out int layer) ? layer : null;

    private Match Match(string name)
    {
        try
        {
            _spent.Start();
            Match match = _regex.Match(name);
            return _spent.Elapsed < Most ? match : throw TakesTooLong();
        }
        catch (RegexMatchTimeoutException)
        {
            throw TakesTooLong();
        }
        finally
        {
            _spent.Stop();
        }
    }

    private ArgumentException TakesTooLong() => new($"the pattern '{_text}' takes too long; write it without nested repetition");
}
