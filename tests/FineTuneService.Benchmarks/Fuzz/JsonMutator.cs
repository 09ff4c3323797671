using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Benchmarks.Fuzz;

/// <summary>Changes a value or two of a JSON text, which stays JSON: what bytes alone hardly reach, behind the parser.</summary>
internal static class JsonMutator
{
    private static readonly string[] Values = ["null", "true", "[]", "{}", "0", "-1", "1", "3", "0.5", "1e30", "9007199254740993", "\"\"", "\"a\"", "\"\\u0000\"", "[[]]", "[0]", "[null]", "{\"a\":0}"];

    /// <param name="input">A valid JSON text, UTF-8.</param>
    public static byte[] Mutate(byte[] input, Random random)
    {
        JsonNode root = JsonNode.Parse(input)!;
        int changes = 1 + random.Next(2) * random.Next(3); // Mostly one: what is refused for the first is not asked about the second.
        for (int i = 0; i < changes; i++) Change(root, random);
        return JsonSerializer.SerializeToUtf8Bytes(root);
    }

    private static void Change(JsonNode root, Random random)
    {
        // Down from the root, so that a long vocabulary does not hide the few values beside it.
        JsonNode node = root;
        while (Children(node) is { Count: > 0 } children)
        {
            int at = random.Next(children.Count);
            if (children[at] is JsonObject or JsonArray && random.Next(8) > 0)
            {
                node = children[at]!;
                continue;
            }
            if (node is JsonObject named) ChangeMember(named, named.ElementAt(at).Key, random);
            else ChangeElement((JsonArray)node, at, random);
            return;
        }
    }

    private static List<JsonNode?> Children(JsonNode node) => node switch
    {
        JsonObject members => [.. members.Select(member => member.Value)],
        JsonArray elements => [.. elements],
        _ => [],
    };

    private static void ChangeMember(JsonObject members, string name, Random random)
    {
        JsonNode? value = members[name];
        switch (random.Next(6))
        {
            case 0: members.Remove(name); break;
            case 1:
                members.Remove(name);
                members[name + (char)('a' + random.Next(26))] = value;
                break;
            default: members[name] = Other(value, random); break;
        }
    }

    private static void ChangeElement(JsonArray elements, int at, Random random)
    {
        switch (random.Next(6))
        {
            case 0: elements.RemoveAt(at); break;
            case 1: elements.Insert(random.Next(elements.Count + 1), elements[at]?.DeepClone()); break;
            default: elements[at] = Other(elements[at], random); break;
        }
    }

    /// <summary>Mostly one of the same kind, as others are refused for that alone.</summary>
    private static JsonNode? Other(JsonNode? value, Random random)
    {
        if (random.Next(4) > 0)
        {
            switch (value?.GetValueKind())
            {
                case JsonValueKind.True or JsonValueKind.False: return JsonValue.Create(value.GetValueKind() == JsonValueKind.False);
                case JsonValueKind.Number: return JsonNode.Parse((value.GetValue<JsonElement>().GetDouble() * random.Next(-1, 4) + random.Next(3)).ToString("R", System.Globalization.CultureInfo.InvariantCulture));
                case JsonValueKind.String: return JsonValue.Create(Text(value.GetValue<string>(), random));
            }
        }
        return JsonNode.Parse(Values[random.Next(Values.Length)]);
    }

    private static string Text(string text, Random random)
    {
        var changed = new StringBuilder(text);
        int at = random.Next(text.Length + 1);
        if (random.Next(2) == 0 && at < text.Length) changed[at] = (char)('a' + random.Next(26));
        else changed.Insert(at, ((string[])["x", " ", "\n", "é", "😀", "{{", "\u0001"])[random.Next(7)]);
        return changed.ToString();
    }
}
