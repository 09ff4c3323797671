using System.Text.Json;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Engine.Chat;

/// <summary>
/// The fixed texts around a task that an adapter was trained with. It is stored beside the adapter and wraps what the
/// adapter is asked when it serves.
/// </summary>
/// <param name="WithInput">Text with the places <c>{instruction}</c> and <c>{input}</c>.</param>
/// <param name="WithoutInput">Text with the place <c>{instruction}</c>, for a task whose input is empty.</param>
public sealed record PromptTemplate(string Name, string WithInput, string WithoutInput)
{
    private const string FileName = "prompt_template.json";

    /// <summary>The prompts of Stanford's Alpaca (train.py). They end without a line feed.</summary>
    public static PromptTemplate Alpaca { get; } = new("alpaca",
        "Below is an instruction that describes a task, paired with an input that provides further context. "
        + "Write a response that appropriately completes the request."
        + "\n\n### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:",
        "Below is an instruction that describes a task. "
        + "Write a response that appropriately completes the request."
        + "\n\n### Instruction:\n{instruction}\n\n### Response:");

    /// <param name="input">Only the empty text counts as none; a blank is an input, as in Stanford's code.</param>
    public string Render(string instruction, string input = "") => input.Length > 0
        ? Fill(WithInput, ("{instruction}", instruction), ("{input}", input))
        : Fill(WithoutInput, ("{instruction}", instruction));

    /// <summary>The prompt of a chat: its last user message is the instruction, and what stands before it the input.</summary>
    public string Render(IReadOnlyList<ChatMessage> messages)
    {
        var last = messages.Count - 1;
        while (last > 0 && messages[last].Role != "user") last--;
        return Render(messages[last].Content, string.Join("\n", messages.Take(last).Select(message => message.Content)));
    }

    /// <summary>Fills in one pass: an instruction that holds "{input}" stays as it is.</summary>
    private static string Fill(string text, params ReadOnlySpan<(string Place, string Value)> values)
    {
        var filled = new System.Text.StringBuilder();
        var from = 0;
        foreach (var (place, value) in values)
        {
            var at = text.IndexOf(place, from, StringComparison.Ordinal);
            filled.Append(text, from, at - from).Append(value);
            from = at + place.Length;
        }
        return filled.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>Writes prompt_template.json into an adapter's folder.</summary>
    public void Save(string folder) => File.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, Format));

    /// <returns>Null where the adapter has none.</returns>
    /// <exception cref="InvalidDataException">prompt_template.json does not hold a template.</exception>
    public static PromptTemplate? Load(string folder)
    {
        if (FolderFile.Problem(folder, FileName) is { } problem) throw new InvalidDataException(problem);
        if (!FolderFile.Exists(folder, FileName)) return null;
        var json = JsonSettings.Parse(File.ReadAllText(Path.Combine(folder, FileName)), FileName, message => new InvalidDataException(message.TrimEnd('.')));
        if (json.Text("name") is { } name && json.Text("with_input") is { } with && json.Text("without_input") is { } without
            && with.Split("{instruction}") is [_, var behind] && behind.Contains("{input}", StringComparison.Ordinal)
            && without.Contains("{instruction}", StringComparison.Ordinal)) return new PromptTemplate(name, with, without);
        throw new InvalidDataException(
            $"{FileName} needs name, with_input (with {{instruction}}, then {{input}}) and without_input (with {{instruction}})");
    }

    private static readonly JsonSerializerOptions Format =
        new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };
}
