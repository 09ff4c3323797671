using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>JSON as values of a template.</summary>
internal static class JsonValues
{
    public static object? Read(JsonNode? node)
    {
        Budget.CheckDepth();
        switch (node)
        {
            case null: return null;
            case JsonArray array: return array.Select(Read).ToList();
            case JsonObject json:
                var dict = new Dict();
                foreach (var (key, value) in json) dict[key] = Read(value);
                return dict;
            default:
                return node.GetValueKind() switch
                {
                    JsonValueKind.String => node.GetValue<string>(),
                    JsonValueKind.True => true,
                    JsonValueKind.False => false,
                    _ => Number(node.ToJsonString()),
                };
        }
    }

    private static object Number(string digits) =>
        digits.Length < 1000 && BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer)
            ? integer : double.Parse(digits, CultureInfo.InvariantCulture);
}
