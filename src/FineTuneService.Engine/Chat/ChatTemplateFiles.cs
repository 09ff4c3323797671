using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Chat;

/// <summary>Where a model's or an adapter's folder keeps its chat template, and the special tokens that templates write.</summary>
internal static class ChatTemplateFiles
{
    public const string FileName = "chat_template.jinja";

    /// <returns>Null where the folder has no template.</returns>
    /// <exception cref="ChatTemplateException">tokenizer_config.json cannot be read.</exception>
    public static string? Source(string folder)
    {
        var file = Path.Combine(folder, FileName);
        if (File.Exists(file)) return File.ReadAllText(file);
        if (ModelTextFiles.Read(folder, TokenizerConfig.FileName) is not { } config) return null;
        try
        {
            return (JsonNode.Parse(config) as JsonObject)?["chat_template"] switch
            {
                JsonArray named => Named(named, "default"),
                JsonValue text when text.GetValueKind() == JsonValueKind.String => text.GetValue<string>(),
                null => null,
                _ => throw new ChatTemplateException($"{TokenizerConfig.FileName}: chat_template must be a text, or a list of named ones.", 0),
            };
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException or ArgumentException)
        {
            // .NET's sentence about its own types would help nobody.
            string reason = broken is JsonException json ? JsonFault.Sentence(json) : "chat_template has the wrong type, or holds half of a surrogate pair.";
            throw new ChatTemplateException($"{TokenizerConfig.FileName} cannot be read: {reason}", 0);
        }
    }

    /// <exception cref="ChatTemplateException">A file that names them cannot be read.</exception>
    public static IReadOnlyDictionary<string, string> SpecialTokens(string folder)
    {
        try
        {
            return TokenizerConfig.Load(folder).Named;
        }
        catch (TokenizerException broken)
        {
            throw new ChatTemplateException(broken.Message, 0);
        }
        catch (InvalidOperationException)
        {
            throw new ChatTemplateException($"{TokenizerConfig.FileName} holds a field of the wrong type, or half of a surrogate pair.", 0);
        }
    }

    private static string? Named(JsonArray templates, string name) =>
        (string?)templates.OfType<JsonObject>().FirstOrDefault(template => (string?)template["name"] == name)?["template"];
}
