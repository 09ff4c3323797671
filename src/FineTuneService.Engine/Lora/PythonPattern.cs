using System.Diagnostics;
using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Lora;

/// <summary>A Python regular expression over module names. They are a user's: a pattern's length and time are bounded.</summary>
internal sealed class PythonPattern
{
    private const int LongestText = 2000;
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(2);

    private readonly string _option, _text;
    private readonly Regex _regex;
    private readonly Stopwatch _spent = new();

    private PythonPattern(string option, string text, string whole)
    {
        _option = option;
        if (text.Length > LongestText) throw new LoraOptionException(option, $"a pattern of {text.Length} characters is too long; {LongestText} are the most");
        _text = text;
        try
        {
            string names = whole.Replace("(?P<", "(?<", StringComparison.Ordinal).Replace("\\Z", "\\z", StringComparison.Ordinal);
            _regex = new Regex(names, RegexOptions.CultureInvariant, Most);
        }
        catch (ArgumentException error)
        {
            throw new LoraOptionException(option, $"'{text}' is not a regular expression: {error.Message}");
        }
    }

    /// <summary>re.fullmatch.</summary>
    /// <param name="option">Where the pattern stands, for errors.</param>
    /// <exception cref="LoraOptionException">It is no regular expression, or too long.</exception>
    public static PythonPattern Whole(string option, string pattern) => new(option, pattern, $@"\A(?:{pattern})\z");

    /// <summary>The last parts of a name, as rank_pattern's keys: re.match("(.*\.)?(pattern)$").</summary>
    /// <inheritdoc cref="Whole"/>
    public static PythonPattern Suffix(string option, string pattern) => new(option, pattern, $@"\A(?:.*\.)?(?:{pattern})$");

    /// <summary>The number of a layer in lists of this name: re.match(".*\.pattern\.(\d+)\.").</summary>
    /// <inheritdoc cref="Whole"/>
    public static PythonPattern Layer(string option, string pattern) => new(option, pattern, $@"\A.*\.(?:{pattern})\.(?<layer>\d+)\.");

    /// <exception cref="LoraOptionException">It takes too long.</exception>
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

    private LoraOptionException TakesTooLong() => new(_option, $"the pattern '{_text}' takes too long; write it without nested repetition");
}
