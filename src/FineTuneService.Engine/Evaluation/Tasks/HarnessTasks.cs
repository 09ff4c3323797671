namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>Every task that is known, by name.</summary>
public static class HarnessTasks
{
    private static readonly Func<string, HarnessTask?>[] Families = [TruthfulQa.Find, Blimp.Find, Mmlu.Find, Arithmetic.Find, Gsm8k.Find, PlainText.Find];

    /// <summary>Names for a person to choose from; a name in braces stands for many.</summary>
    public static string Known { get; } =
        $"truthfulqa_mc1, truthfulqa_mc2, blimp_{{paradigm}}, mmlu_{{subject}}, {string.Join(", ", Arithmetic.Names)}, gsm8k, gsm8k_answer_perplexity, perplexity";

    /// <summary>The task of this name, or null.</summary>
    public static HarnessTask? Find(string name) => Families.Select(find => find(name)).FirstOrDefault(task => task is not null);

    /// <summary>What follows a prefix, if it can be part of a file's name.</summary>
    internal static string? Rest(string name, string prefix)
    {
        string rest = name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : "";
        return rest.Length is > 0 and <= 100 && rest.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') ? rest : null;
    }
}
