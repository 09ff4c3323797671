using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.Files;

/// <summary>What a request says of the columns of its files, as the Engine takes it.</summary>
internal static class FileColumns
{
    /// <summary>Characters of the longest prompt template, and of a column's name; and names of columns.</summary>
    private const int LongestTemplate = 1 << 14, LongestName = 200, MostColumns = 32;

    /// <summary>Why they cannot be used, with the field's name; or null.</summary>
    public static (string Field, string Message)? Problem(IReadOnlyDictionary<string, string>? names, string? template)
    {
        if (names is not null && (names.Count > MostColumns || names.Any(name => name.Value is null or { Length: 0 or > LongestName } || name.Key.Length > LongestName)))
            return ("columns", $"columns holds at most {MostColumns} names, each of 1 to {LongestName} characters");
        if (template is { Length: > LongestTemplate }) return ("prompt_template", $"prompt_template has at most {LongestTemplate} characters");
        return Of(names, template)?.Problem() is { } problem ? (template is null ? "columns" : "prompt_template", problem) : null;
    }

    /// <summary>Null where the request says nothing of them.</summary>
    /// <param name="template">A text with columns in braces, or the name of a known one.</param>
    public static DatasetColumns? Of(IReadOnlyDictionary<string, string>? names, string? template) => names is null && template is null ? null
        : new DatasetColumns(names ?? new Dictionary<string, string>(), template is null ? null : PromptTemplate.Known.FirstOrDefault(known => known.Name == template) ?? PromptTemplate.Own(template));
}
