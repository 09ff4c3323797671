using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>A problem of GSM8K: the answer's number is compared with the reference's, behind #### or, flexibly, the last number there is.</summary>
public sealed partial record Gsm8kItem(string Prompt, IReadOnlyList<string> Until, int MaxTokens, string Reference) : GeneratedItem(Prompt, Until, MaxTokens)
{
    public const string Strict = "exact_match,strict-match", Flexible = "exact_match,flexible-extract";

    private const string Invalid = "[invalid]";

    public override IReadOnlyDictionary<string, double> Measure(string answer)
    {
        string strict = Marked().Match(answer) is { Success: true } marked ? marked.Groups[1].Value.Trim() : Invalid;
        string flexible = Numbers().Matches(answer) is { Count: > 0 } numbers ? numbers[^1].Value.Trim() : Invalid;
        return new Dictionary<string, double> { [Strict] = Equals(strict), [Flexible] = Equals(flexible) };
    }

    private double Equals(string given) => Bare(given) == Bare(Reference) ? 1 : 0;

    /// <summary>Without thousands' commas, dollar signs, what stands before the mark, and a last full stop.</summary>
    private static string Bare(string text) => LastStop().Replace(BeforeMark().Replace(text.Replace(",", "").Replace("$", ""), ""), "").ToLowerInvariant();

    [GeneratedRegex(@"#### (\-?[0-9\.\,]+)")]
    private static partial Regex Marked();

    [GeneratedRegex(@"(-?[$0-9.,]{2,})|(-?[0-9]+)")]
    private static partial Regex Numbers();

    [GeneratedRegex(@"(?s).*#### ")]
    private static partial Regex BeforeMark();

    [GeneratedRegex(@"\.$")]
    private static partial Regex LastStop();
}
