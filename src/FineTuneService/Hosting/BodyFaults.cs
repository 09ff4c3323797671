using System.Text.Json;
using System.Text.RegularExpressions;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Hosting;

/// <summary>Says which field of a JSON body is wrong and how, without the .NET types that the serializer names.</summary>
internal static partial class BodyFaults
{
    /// <summary>Status, message, code and field.</summary>
    public static (int, string, string, string?) Explain(JsonException json)
    {
        string? path = json.Path is null or "$" ? null : Errors.Clip(json.Path.TrimStart('$').TrimStart('.'));
        if (json is NotBuiltException) return (400, $"Unknown parameter: '{path}'. It is not built yet; leave it out.", "unknown_parameter", path);
        if (Unmapped().Match(json.Message) is { Success: true } unknown)
        {
            string name = Errors.Clip(unknown.Groups[1].Value);
            string full = path is null || path == name || path.EndsWith("." + name, StringComparison.Ordinal) ? path ?? name : $"{path}.{name}";
            return (400, $"Unknown parameter: '{full}'. It is not part of this call, or not built yet; leave it out.", "unknown_parameter", full);
        }
        if (Missing().Match(json.Message) is { Success: true } missing)
        {
            string name = missing.Groups[1].Value;
            string full = path is null ? name : $"{path}.{name}";
            return (400, $"Missing required parameter: '{full}'.", "missing_required_parameter", full);
        }
        if (json.InnerException is JsonException broken && broken.GetType().Name == "JsonReaderException")
            return (400, $"The body is not valid JSON ({JsonFault.Place(broken)}): {JsonFault.Sentence(broken)}", "invalid_json", path);
        return (400, $"Invalid value for {(path is null ? "the body" : $"'{path}'")}: {Reason(json)}", "invalid_value", path);
    }

    private static string Reason(JsonException json) => json.Message switch
    {
        // A record's own fields are told of under the record's name; what was to be read stands in the inner exception.
        var message when message.StartsWith("The JSON value could not be converted to FineTuneService.", StringComparison.Ordinal) && ReadAs().Match(json.InnerException?.Message ?? "") is { Success: true } read =>
            $"it must be {read.Groups[1].Value switch { "string" => "a text", "boolean" => "true or false", _ => "a number" }}.",
        var message when Unconverted().Match(message) is { Success: true } unconverted => $"it must be {Wanted(unconverted.Groups[1].Value)}.",
        var message when message.Contains("doesn't allow setting null values", StringComparison.Ordinal) => "it may not be null.",
        var message when message.StartsWith("Duplicate property", StringComparison.Ordinal) => "it is there twice; give it once.",
        var message when message.Contains('`') || message.Contains("System.", StringComparison.Ordinal) || message.Contains("FineTuneService.", StringComparison.Ordinal) => "it cannot be read.",
        var message => message.Split(" Path:")[0],
    };

    /// <summary>In a client's words, of .NET's name of a type.</summary>
    private static string Wanted(string type) => NullableOf().Replace(type, "$1") switch
    {
        "System.Int32" => "a whole number below 2^31",
        "System.Int64" => "a whole number below 2^63",
        "System.Double" or "System.Single" => "a number",
        "System.Boolean" => "true or false",
        "System.String" => "a text",
        var map when map.Contains("Dictionary`2", StringComparison.Ordinal) => "an object",
        var list when list.Contains("List`1", StringComparison.Ordinal) || list.EndsWith("[]", StringComparison.Ordinal) => "a list",
        _ => "an object",
    };

    [GeneratedRegex(@"^The JSON value could not be converted to (\S+?)\.(?:\s|$)")]
    private static partial Regex Unconverted();

    [GeneratedRegex(@"as an? (string|boolean|number)\.?$")]
    private static partial Regex ReadAs();

    [GeneratedRegex(@"^System\.Nullable`1\[([^\]]+)\]$")]
    private static partial Regex NullableOf();

    [GeneratedRegex("The JSON property '([^']+)' could not be mapped")]
    private static partial Regex Unmapped();

    [GeneratedRegex("missing required properties[^']*'([^']+)'")]
    private static partial Regex Missing();
}
