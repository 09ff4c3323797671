using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>JSON as values of a template.</summary>
internal static class JsonValues
{
    public static object? Read(JsonNode? node, Budget budget)
    {
        budget.Enter();
        var value = Value(node, budget);
        budget.Leave();
        return value;
    }

    private static object? Value(JsonNode? node, Budget budget)
    {
        switch (node)
        {
            case null: return null;
            case JsonArray array:
                var list = new List<object?>(array.Count);
                foreach (var item in array) list.Add(Read(item, budget));
                return list;
            case JsonObject json:
                var dict = new Dict(budget);
                foreach (var (key, value) in json) dict[key] = Read(value, budget);
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
