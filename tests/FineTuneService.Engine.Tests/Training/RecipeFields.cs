using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>Fields of a run that is written down as JSON: what is not built is refused by its name, never passed over.</summary>
internal static class RecipeFields
{
    /// <param name="prefix">Goes before a field's name in the message.</param>
    /// <param name="known">Fields that may be there.</param>
    /// <param name="values">Of some of them, the only values that are built.</param>
    /// <exception cref="NotSupportedException">Names the first field, or value, that is not built.</exception>
    public static void RefuseUnknown(JsonObject given, string prefix, string[] known, Dictionary<string, string[]>? values = null)
    {
        foreach ((string name, JsonNode? value) in given)
        {
            string text = value?.ToString() ?? "";
            if (values?.GetValueOrDefault(name) is { } allowed && !allowed.Contains(text))
                throw new NotSupportedException($"{prefix}{name} {text} is not supported");
            if (!known.Contains(name)) throw new NotSupportedException($"{prefix}{name} is not supported");
        }
    }
}
