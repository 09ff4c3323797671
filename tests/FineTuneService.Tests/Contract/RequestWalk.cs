using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Contract;

/// <summary>A field of a request, with a value of it that fits OpenAI's description in a body that is complete around it.</summary>
/// <param name="Path">As "messages[].content[].image_url.url".</param>
internal sealed record WalkedField(string Path, JsonObject Body)
{
    /// <summary>The body's own field that it lies in.</summary>
    public string Top => Path.Split('.', '[')[0];
}

/// <summary>Every field of a request's schema, each variant of it, with bodies that hold it.</summary>
/// <param name="known">Values that mean something to the service, by path: the others are made from the schema.</param>
/// <param name="beside">What stands beside a field where it would mean nothing alone, by the field's path.</param>
internal sealed class RequestWalk(OpenAIDescription openAI, JsonObject complete, IReadOnlyDictionary<string, JsonNode> known, IReadOnlyDictionary<string, string> beside)
{
    private const int Deepest = 7;

    public IEnumerable<WalkedField> Fields(JsonNode schema) => Walk(schema, "", value =>
    {
        JsonObject body = complete.DeepClone().AsObject();
        foreach ((string name, JsonNode? field) in value.AsObject()) body[name] = field?.DeepClone();
        return body;
    }, []);

    private IEnumerable<WalkedField> Walk(JsonNode node, string path, Func<JsonNode, JsonObject> around, IReadOnlyList<JsonObject> above)
    {
        foreach (JsonObject schema in Variants(node))
        {
            // A schema that holds itself is walked once.
            if (above.Count > Deepest || above.Contains(schema)) continue;
            List<JsonObject> inside = [.. above, schema];
            foreach ((string name, JsonNode? field) in Properties(schema))
            {
                string full = path.Length == 0 ? name : $"{path}.{name}";
                JsonObject Holding(JsonNode? value)
                {
                    JsonObject whole = path.Length == 0 ? [] : Required(schema, path, name);
                    if (beside.TryGetValue(full, out string? others)) foreach ((string other, JsonNode? its) in JsonNode.Parse(others)!.AsObject()) whole[other] = its?.DeepClone();
                    whole[name] = value?.DeepClone();
                    return around(whole);
                }
                foreach (JsonObject variant in Variants(field!)) yield return new WalkedField(full, Holding(Sample(variant, full, 0)));
                foreach (WalkedField deeper in Walk(field!, full, Holding, inside)) yield return deeper;
            }
            if (schema["items"] is { } items) foreach (WalkedField deeper in Walk(items, path + "[]", value => around(new JsonArray(value.DeepClone())), inside)) yield return deeper;
        }
    }

    private JsonObject Required(JsonObject schema, string path, string without)
    {
        var whole = new JsonObject();
        foreach (JsonNode? name in schema["required"] as JsonArray ?? [])
        {
            string field = (string)name!;
            if (field != without && Properties(schema).FirstOrDefault(one => one.Key == field).Value is { } inner) whole[field] = Sample(Variants(inner).First(), $"{path}.{field}", 0);
        }
        return whole;
    }

    /// <summary>A value that fits the schema, with what it requires and nothing else.</summary>
    private JsonNode? Sample(JsonObject schema, string path, int depth)
    {
        if (known.TryGetValue(path, out JsonNode? value)) return value.DeepClone();
        if (schema["enum"] is JsonArray { Count: > 0 } choices) return choices[0]?.DeepClone();
        string type = schema["type"] is JsonArray types ? (string)types[0]! : (string?)schema["type"] ?? (schema["properties"] is null ? "string" : "object");
        switch (type)
        {
            case "integer" or "number": return schema["minimum"]?.DeepClone() ?? 1;
            case "boolean": return true;
            case "array": return schema["items"] is { } items && depth < Deepest ? new JsonArray(Sample(Variants(items).First(), path + "[]", depth + 1)) : [];
            case "null": return null;
            case "object":
                var whole = new JsonObject();
                if (depth >= Deepest) return whole;
                foreach (JsonNode? name in schema["required"] as JsonArray ?? [])
                    if (Properties(schema).FirstOrDefault(one => one.Key == (string)name!).Value is { } inner) whole[(string)name!] = Sample(Variants(inner).First(), $"{path}.{name}", depth + 1);
                return whole;
            default: return "text";
        }
    }

    private static IEnumerable<KeyValuePair<string, JsonNode?>> Properties(JsonObject schema) => schema["properties"] as JsonObject ?? [];

    /// <summary>Every form that a value may have, without the null.</summary>
    private IEnumerable<JsonObject> Variants(JsonNode node)
    {
        JsonObject schema = openAI.Resolve(node);
        if (schema["allOf"] is JsonArray all) return [Merged(schema, all)];
        JsonArray? either = schema["oneOf"] as JsonArray ?? schema["anyOf"] as JsonArray;
        return either is null ? [schema] : either.SelectMany(one => Variants(one!)).Where(one => (string?)(one["type"] as JsonValue) != "null");
    }

    private JsonObject Merged(JsonObject schema, JsonArray all)
    {
        if (_merged.TryGetValue(schema, out JsonObject? known)) return known;
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (JsonObject part in all.SelectMany(one => Variants(one!)).Append(schema))
        {
            foreach ((string name, JsonNode? field) in Properties(part)) properties[name] = field!.DeepClone();
            foreach (JsonNode? name in part["required"] as JsonArray ?? []) required.Add(name!.DeepClone());
        }
        return _merged[schema] = new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = required };
    }

    private readonly Dictionary<JsonObject, JsonObject> _merged = [];
}
