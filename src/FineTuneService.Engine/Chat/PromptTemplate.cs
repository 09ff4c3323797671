using System.Text.Json;

namespace FineTuneService.Engine.Chat;

/// <summary>
/// The fixed texts around a task that an adapter was trained with. It is stored beside the adapter (<see cref="PromptTemplateFile"/>) and
/// wraps what the adapter is asked when it serves.
/// </summary>
/// <param name="WithInput">Text with places in braces, such as <c>{instruction}</c> and <c>{input}</c>.</param>
/// <param name="WithoutInput">The text for a task whose place <c>{input}</c> would be empty.</param>
public sealed record PromptTemplate(string Name, string WithInput, string WithoutInput)
{
    private const string Instruction = "instruction", Input = "input";

    /// <summary>The prompts of Stanford's Alpaca (train.py). They end without a line feed.</summary>
    public static PromptTemplate Alpaca { get; } = new("alpaca",
        "Below is an instruction that describes a task, paired with an input that provides further context. "
        + "Write a response that appropriately completes the request."
        + "\n\n### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:",
        "Below is an instruction that describes a task. "
        + "Write a response that appropriately completes the request."
        + "\n\n### Instruction:\n{instruction}\n\n### Response:");

    /// <summary>LitGPT's prompts for Dolly rows: Alpaca's, with a line feed at the end; the context is the input.</summary>
    public static PromptTemplate Dolly { get; } = new("dolly", Alpaca.WithInput + "\n", Alpaca.WithoutInput + "\n");

    /// <summary>Databricks' own prompts for Dolly rows (training/consts.py).</summary>
    public static PromptTemplate DollyDatabricks { get; } = new("dolly-databricks",
        Alpaca.WithoutInput[..Alpaca.WithoutInput.IndexOf("\n\n### Response:", StringComparison.Ordinal)] + "\n\nInput:\n{input}\n\n### Response:\n",
        Alpaca.WithoutInput + "\n")
    { Behind = "\n\n### End" };

    /// <summary>Those that are asked for by name.</summary>
    public static IReadOnlyList<PromptTemplate> Known { get; } = [Alpaca, Dolly, DollyDatabricks];

    /// <summary>What stands behind each answer in training.</summary>
    public string Behind { get; init; } = "";

    /// <summary>Texts that end an answer where one stands <see cref="Behind"/> it in training: with the blank lines before it, or without.</summary>
    public IReadOnlyList<string> Ends => Behind.Trim() is { Length: > 0 } mark ? [.. new[] { Behind, mark }.Distinct()] : [];

    /// <summary>An answer without what stands behind it in training.</summary>
    public string WithoutEnd(string answer) => Ends.FirstOrDefault(end => answer.EndsWith(end, StringComparison.Ordinal)) is { } end ? answer[..^end.Length] : answer;

    /// <summary>A user's own: one text, whose places are columns of the training file.</summary>
    public static PromptTemplate Own(string text) => new("own", text, text);

    /// <summary>The names of its places, each once.</summary>
    public IReadOnlyList<string> Places => [.. TemplateText.Places(WithInput).Union(TemplateText.Places(WithoutInput))];

    /// <param name="input">Only the empty text counts as none; a blank is an input, as in Stanford's code.</param>
    public string Render(string instruction, string input = "") => Render(name => name switch { Instruction => instruction, Input => input, _ => null });

    /// <param name="value">The value of a place by its name, or null where there is none.</param>
    /// <exception cref="ChatTemplateException">A place has no value.</exception>
    public string Render(Func<string, string?> value) => TemplateText.Fill(WithInput != WithoutInput && string.IsNullOrEmpty(value(Input)) ? WithoutInput : WithInput,
        name => value(name) ?? throw new ChatTemplateException($"the prompt template has the place {{{name}}}, and there is no value for it.", 0));

    /// <summary>
    /// The prompt of a chat. The last user message is the instruction, and what stands before it the input; where there is one place, both go
    /// there; where there are others, that message has to be a JSON object with their values.
    /// </summary>
    /// <exception cref="ChatTemplateException">The message is not such an object.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages)
    {
        var last = messages.Count - 1;
        while (last > 0 && messages[last].Role != "user") last--;
        var before = string.Join("\n", messages.Take(last).Select(message => message.Content));
        var places = Places;
        if (places.Contains(Instruction) && places.All(place => place is Instruction or Input)) return Render(messages[last].Content, before);
        if (places.Count != 1) return Render(Values(messages[last].Content, places));
        return Render(_ => before.Length == 0 ? messages[last].Content : before + "\n" + messages[last].Content);
    }

    private static Func<string, string?> Values(string message, IReadOnlyList<string> places)
    {
        try
        {
            using var json = JsonDocument.Parse(message);
            if (json.RootElement.ValueKind == JsonValueKind.Object)
            {
                var values = new Dictionary<string, string>();
                foreach (var property in json.RootElement.EnumerateObject())
                    if (property.Value.ValueKind is not (JsonValueKind.Array or JsonValueKind.Object or JsonValueKind.Null)) values[property.Name] = property.Value.ToString();
                if (places.All(values.ContainsKey)) return values.GetValueOrDefault;
            }
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            // Said below.
        }
        throw new ChatTemplateException(
            $"the prompt template has the places {string.Join(", ", places.Select(place => $"{{{place}}}"))}: write the last user message as a JSON object with a value for each.", 0);
    }
}
