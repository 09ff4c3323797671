using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Hosting;

namespace FineTuneService.Completions;

/// <summary>A tool whose input is a text and not arguments. To the model it is a function of one parameter.</summary>
public sealed record CustomToolBody
{
    /// <summary>Up to 64 of a-z, A-Z, 0-9, _ and -.</summary>
    public required string Name { get; init; }
    public string? Description { get; init; }

    /// <summary>What the input is; any text unless given.</summary>
    public CustomFormatBody? Format { get; init; }
}

/// <summary>{"type": "text"}, or {"type": "grammar", "grammar": {"syntax": "regex", "definition": …}}.</summary>
public sealed record CustomFormatBody
{
    public required string Type { get; init; }
    public CustomGrammarBody? Grammar { get; init; }
}

public sealed record CustomGrammarBody
{
    /// <summary>regex.</summary>
    public required string Syntax { get; init; }

    /// <summary>What the whole input matches, where a call is required.</summary>
    public required string Definition { get; init; }
}

/// <summary>A custom tool's call.</summary>
public sealed record CustomCall
{
    public string? Name { get; init; }

    /// <summary>In a stream a part of it.</summary>
    public required string Input { get; init; }
}

/// <summary>Custom tools as functions.</summary>
internal static class CustomTools
{
    private const string Parameter = "input";

    /// <returns>Why it cannot be, or null.</returns>
    public static string? Read(CustomToolBody tool, out FunctionBody function)
    {
        var input = new JsonObject { ["type"] = "string" };
        function = new FunctionBody { Name = tool.Name, Description = tool.Description };
        switch (tool.Format)
        {
            case null or { Type: "text", Grammar: null }: break;
            case { Type: "grammar", Grammar: { Syntax: "regex", Definition: { } pattern } }: input["pattern"] = $"^(?:{pattern})$"; break;
            case { Type: "grammar", Grammar.Syntax: "lark" }: return $"the custom tool '{Errors.Clip(tool.Name)}' has a lark grammar, and those are not built; write a regex, or describe the format in words.";
            default: return $"the format of '{Errors.Clip(tool.Name)}' must be {{\"type\": \"text\"}} or {{\"type\": \"grammar\", \"grammar\": {{\"syntax\": \"regex\", \"definition\": …}}}}.";
        }
        var parameters = new JsonObject { ["type"] = "object", ["properties"] = new JsonObject { [Parameter] = input }, ["required"] = new JsonArray(Parameter), ["additionalProperties"] = false };
        function = function with { Parameters = JsonSerializer.SerializeToElement(parameters) };
        return null;
    }

    /// <summary>A call's input as the model wrote it.</summary>
    public static string Arguments(string input) => new JsonObject { [Parameter] = input }.ToJsonString();
}
