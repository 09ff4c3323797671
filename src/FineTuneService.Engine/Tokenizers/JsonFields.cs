using System.Text.Json;

namespace FineTuneService.Engine.Tokenizers;

/// <summary>Optional fields of a JSON object: one that is absent or null has the default.</summary>
internal static class JsonFields
{
    public static string? Text(this JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetString() : null;

    /// <exception cref="TokenizerException">There is no such text.</exception>
    public static string RequiredText(this JsonElement json, string name) =>
        json.Text(name) ?? throw new TokenizerException($"tokenizer.json: '{name}' is missing.");

    /// <exception cref="TokenizerException">There is no such text, or nothing in it.</exception>
    public static char RequiredCharacter(this JsonElement json, string name) => json.RequiredText(name) is [var first, ..]
        ? first : throw new TokenizerException($"tokenizer.json: '{name}' is empty; it must be a character.");

    public static bool Flag(this JsonElement json, string name, bool absent = false) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetBoolean() : absent;

    public static int Number(this JsonElement json, string name, int absent = 0) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetInt32() : absent;
}
