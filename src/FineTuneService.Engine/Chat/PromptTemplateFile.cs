using System.Text.Json;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Engine.Chat;

/// <summary>prompt_template.json beside an adapter: the template that it was trained with, and answers with.</summary>
public static class PromptTemplateFile
{
    private const string FileName = "prompt_template.json";

    /// <summary>Characters of the longest text.</summary>
    private const int Longest = 1 << 16;

    private static readonly JsonSerializerOptions Format =
        new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>Writes it into an adapter's folder.</summary>
    public static void Save(this PromptTemplate template, string folder) => File.WriteAllText(
        Path.Combine(folder, FileName),
        JsonSerializer.Serialize(new { template.Name, template.WithInput, template.WithoutInput, Behind = template.Behind.Length > 0 ? template.Behind : null }, Format));

    /// <returns>Null where the adapter has none.</returns>
    /// <exception cref="InvalidDataException">prompt_template.json does not hold a template.</exception>
    public static PromptTemplate? Load(string folder)
    {
        if (FolderFile.Problem(folder, FileName) is { } problem) throw new InvalidDataException(problem);
        if (!FolderFile.Exists(folder, FileName)) return null;
        var json = JsonSettings.Parse(File.ReadAllText(Path.Combine(folder, FileName)), FileName, message => new InvalidDataException(message.TrimEnd('.')));
        if (json.Text("name") is { } name && json.Text("with_input") is { Length: <= Longest } with && json.Text("without_input") is { Length: <= Longest } without
            && TemplateText.Places(with).Count > 0 && TemplateText.Places(without).Count > 0)
            return new PromptTemplate(name, with, without) { Behind = json.Text("behind") ?? "" };
        throw new InvalidDataException(
            $"{FileName} needs name, with_input and without_input, both of at most {Longest} characters and with a place such as {{instruction}}");
    }
}
