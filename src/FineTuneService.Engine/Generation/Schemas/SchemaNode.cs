using System.Text.Json;

namespace FineTuneService.Engine.Generation.Schemas;

/// <summary>A schema inside a document.</summary>
/// <param name="Path">A JSON pointer from the document's root: #/properties/name.</param>
/// <param name="Base">The address that its references start from.</param>
/// <param name="Root">The schema resource that it is part of: pointers start there.</param>
internal sealed record SchemaNode(JsonElement Json, string Path, Uri Base, string Root)
{
    public bool TryGet(string keyword, out JsonElement value)
    {
        value = default;
        return Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty(keyword, out value);
    }

    public SchemaException Refused(string keyword, string reason) => new(Path, keyword, reason);

    public static string Escape(string name) => name.Replace("~", "~0").Replace("/", "~1");
}
