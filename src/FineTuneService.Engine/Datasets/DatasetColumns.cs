using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <summary>What a user says of a file's columns.</summary>
/// <param name="Names">Our name for a column and the file's: {"prompt": "question", "completion": "answer"}.</param>
/// <param name="Template">What the columns of a row are put into, which makes its prompt; null: rows are in one of the formats, once renamed.</param>
public sealed record DatasetColumns(IReadOnlyDictionary<string, string> Names, PromptTemplate? Template)
{
    /// <summary>Names that columns can be given.</summary>
    public static IReadOnlyList<string> Known { get; } =
    [
        "messages", "tools", "system", "prompt", "completion", "instruction", "input", "output", "context", "response", "text", "conversations",
        "chosen", "rejected", "label",
    ];

    /// <summary>Under a template, where <see cref="Names"/> says nothing of <c>completion</c>, the first of these that a row has is its answer.</summary>
    internal static IReadOnlyList<string> Answers { get; } = ["completion", "output", "response", "answer"];

    /// <summary>The file's name for one of ours.</summary>
    internal string Of(string name) => Names.TryGetValue(name, out var column) ? column : name;

    /// <summary>What is wrong with them, or null.</summary>
    public string? Problem()
    {
        if (Template is null)
            return Names.Keys.FirstOrDefault(name => !Known.Contains(name)) is { } unknown ? $"'{Clip.To(unknown, 40)}' is none of {string.Join(", ", Known)}" : null;
        if (Template.Places.Count == 0) return "the prompt template has no place such as {question}: every row would have the same prompt";
        if (Template.Places.FirstOrDefault(place => Answers.Select(Of).Append("completion").Distinct().Contains(Of(place)) && !HasOtherAnswer(place)) is { } answer)
            return $"the prompt template has the place {{{answer}}}, which is the answer; the prompt ends where the answer begins";
        return Names.Keys.FirstOrDefault(name => name != "completion" && !Template.Places.Contains(name)) is { } unused
            ? $"'{Clip.To(unused, 40)}' is neither a place of the prompt template nor 'completion'" : null;
    }

    private bool HasOtherAnswer(string place) => Names.TryGetValue("completion", out var column) && column != Of(place);
}
