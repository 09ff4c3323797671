using System.Text.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Formats;

/// <summary>
/// Makes nodes, which may be changed, of a parsed document. A key that is there twice keeps its last value, as in Python; JsonNode.Parse
/// would throw once somebody looks at it.
/// </summary>
internal static class JsonCopy
{
    /// <param name="element">As deep as its reader let it be: the copy goes as deep.</param>
    /// <exception cref="InvalidOperationException">A text holds half of a surrogate pair.</exception>
    public static JsonNode? Of(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Null or JsonValueKind.Undefined:
                return null;
            case JsonValueKind.Object:
                var json = new JsonObject();
                foreach (var property in element.EnumerateObject()) json[property.Name] = Of(property.Value);
                return json;
            case JsonValueKind.Array:
                return new JsonArray([.. element.EnumerateArray().Select(Of)]);
            case JsonValueKind.String:
                return JsonValue.Create(element.GetString());
            default:
                return JsonValue.Create(element.Clone());
        }
    }
}
