using System.Text.Json;

namespace FineTuneService.Engine.Tokenizers;

/// <summary>Optional fields of a JSON object: one that is absent or null has the default.</summary>
internal static class JsonFields
{
    public static string? Text(this JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetString() : null;

    public static bool Flag(this JsonElement json, string name, bool absent = false) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetBoolean() : absent;

    public static int Number(this JsonElement json, string name, int absent = 0) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetInt32() : absent;
}
