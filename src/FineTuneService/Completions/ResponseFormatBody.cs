using System.Text.Json;
using System.Text.RegularExpressions;
using FineTuneService.Engine.Generation.Schemas;
using FineTuneService.Hosting;

namespace FineTuneService.Completions;

/// <summary>What the answer's text must be: text, json_object (any JSON object) or json_schema.</summary>
public sealed partial record ResponseFormatBody
{
    /// <summary>text, json_object or json_schema.</summary>
    public required string Type { get; init; }
    public JsonSchemaBody? JsonSchema { get; init; }

    /// <summary>What the answer is held to, or null; or the error that the field deserves.</summary>
    internal IResult? Read(out Func<SchemaGrammar>? grammar)
    {
        grammar = null;
        switch (Type)
        {
            case "text":
                return JsonSchema is null ? null : Wrong("json_schema needs type: json_schema.");
            case "json_object":
                if (JsonSchema is not null) return Wrong("json_schema needs type: json_schema.");
                grammar = SchemaGrammar.AnyObject;
                return null;
            case "json_schema":
                if (JsonSchema is not { Schema: { ValueKind: JsonValueKind.Object } schema }) return Wrong("type json_schema needs json_schema with a name and a schema, which is an object.");
                if (!Name().IsMatch(JsonSchema.Name)) return Errors.BadRequest("json_schema's name is 1 to 64 of a-z, A-Z, 0-9, _ and -.", param: "response_format.json_schema.name");
                string text = schema.GetRawText();
                grammar = () => SchemaGrammar.Compile(text, SchemaOptions.Generation);
                return null;
            default:
                return Wrong($"response_format's type '{Errors.Clip(Type)}' is not text, json_object or json_schema.");
        }
    }

    [GeneratedRegex("^[a-zA-Z0-9_-]{1,64}$")]
    private static partial Regex Name();

    private static IResult Wrong(string message) => Errors.BadRequest(message, param: "response_format");
}

public sealed record JsonSchemaBody
{
    public required string Name { get; init; }
    public string? Description { get; init; }

    /// <summary>JSON Schema of draft 2020-12, or 7 where it says so. The answer always fits it, or the schema is refused by name.</summary>
    public JsonElement? Schema { get; init; }

    /// <summary>The answer fits the schema either way.</summary>
    public bool? Strict { get; init; }
}
