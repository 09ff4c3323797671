using System.Text.Json.Nodes;
using Json.Schema;
using SharedFolder = FineTuneService.Engine.Tests.Shared;

namespace FineTuneService.Tests.Contract;

/// <summary>OpenAI's own description of its API (OpenAPI 3.1, cut to the calls that this service has), from the reference folder.</summary>
internal sealed class OpenAIDescription
{
    private const string ReferencePrefix = "#/components/schemas/";

    private readonly JsonObject _document;
    private readonly JsonObject _schemas;
    private readonly Dictionary<string, JsonSchema> _compiled = [];
    private readonly Lock _turn = new();

    private OpenAIDescription(JsonObject document)
    {
        _document = document;
        _schemas = document["components"]!["schemas"]!.AsObject();
        foreach ((string _, JsonNode? schema) in _schemas) Tidy(schema!);
        Amend();
    }

    /// <summary>Null where the reference folder is absent.</summary>
    public static OpenAIDescription? Instance { get; } = Load();

    /// <summary>Every call, as "POST /files/{file_id}".</summary>
    public IEnumerable<string> Calls => _document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(method => $"{method.Key.ToUpperInvariant()} {path.Key}"));

    /// <summary>The operation's own description, or null where OpenAI has no such call.</summary>
    /// <param name="path">Behind /v1, without query.</param>
    public JsonObject? Operation(string method, string path)
    {
        string[] parts = path.Trim('/').Split('/');
        return _document["paths"]!.AsObject().Where(entry => Matches(entry.Key.Trim('/').Split('/'), parts))
            .OrderBy(entry => entry.Key.Count(letter => letter == '{')).Select(entry => entry.Value![method.ToLowerInvariant()] as JsonObject).FirstOrDefault(found => found is not null);
    }

    /// <summary>The schema of an operation's 2xx answer in a media type, or null.</summary>
    public static JsonNode? AnswerSchema(JsonObject operation, string mediaType) =>
        operation["responses"]!.AsObject().Where(answer => answer.Key.StartsWith('2')).Select(answer => answer.Value!["content"]?[mediaType]?["schema"]).FirstOrDefault();

    /// <summary>A schema behind its reference.</summary>
    public JsonObject Resolve(JsonNode schema) => (string?)schema["$ref"] is { } reference ? Resolve(_schemas[reference[ReferencePrefix.Length..]]!) : schema.AsObject();

    /// <summary>The named schema.</summary>
    public JsonObject Named(string name) => _schemas[name]!.AsObject();

    /// <summary>What is wrong with a value by the schema, each with its place; nothing where it fits.</summary>
    public IReadOnlyList<string> Problems(JsonNode schema, JsonNode? value)
    {
        JsonSchema compiled = Compile(schema);
        if (compiled.Evaluate(value, new EvaluationOptions { OutputFormat = OutputFormat.Flag }).IsValid) return [];
        EvaluationResults results = compiled.Evaluate(value, new EvaluationOptions { OutputFormat = OutputFormat.List });
        return [.. results.Details.Where(detail => detail.HasErrors).SelectMany(detail => detail.Errors!.Select(error => $"{detail.InstanceLocation}: {error.Value} ({detail.EvaluationPath})")).Distinct()];
    }

    private JsonSchema Compile(JsonNode schema)
    {
        string text = schema.ToJsonString();
        lock (_turn)
        {
            if (_compiled.TryGetValue(text, out JsonSchema? known)) return known;
            // What it refers to lies under $defs of one document, where JSON Schema looks for it.
            var reached = new JsonObject();
            Reach(schema, reached);
            var root = new JsonObject { ["$id"] = $"https://openai.test/{_compiled.Count}", ["$defs"] = reached, ["allOf"] = new JsonArray(schema.DeepClone()) };
            return _compiled[text] = JsonSchema.FromText(root.ToJsonString().Replace(ReferencePrefix, "#/$defs/"));
        }
    }

    private void Reach(JsonNode node, JsonObject reached)
    {
        if (node is JsonArray items) foreach (JsonNode? item in items) if (item is not null) Reach(item, reached);
        if (node is not JsonObject schema) return;
        foreach ((string key, JsonNode? inner) in schema)
        {
            if (key == "$ref" && (string?)inner is { } reference)
            {
                string name = reference[ReferencePrefix.Length..];
                if (reached.ContainsKey(name)) continue;
                reached[name] = _schemas[name]!.DeepClone();
                Reach(_schemas[name]!, reached);
            }
            else if (inner is not null) Reach(inner, reached);
        }
    }

    private static bool Matches(string[] template, string[] path) =>
        template.Length == path.Length && template.Zip(path).All(pair => pair.First.StartsWith('{') ? pair.Second.Length > 0 : pair.First == pair.Second);

    /// <summary>nullable and bounds that are said to be exclusive are OpenAPI 3.0's, and mean nothing in JSON Schema; $recursiveRef is an older draft's.</summary>
    private static void Tidy(JsonNode node)
    {
        if (node is JsonArray items)
        {
            foreach (JsonNode? item in items) if (item is not null) Tidy(item);
            return;
        }
        if (node is not JsonObject schema) return;
        foreach (JsonNode? inner in schema.Select(field => field.Value).ToList()) if (inner is not null) Tidy(inner);
        schema.Remove("$recursiveAnchor");
        schema.Remove("$recursiveRef");
        foreach ((string exclusive, string bound) in new[] { ("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum") })
        {
            if (schema[exclusive] is not JsonValue flag || !flag.TryGetValue(out bool excludes)) continue;
            schema.Remove(exclusive);
            if (!excludes || schema[bound] is not { } limit) continue;
            schema.Remove(bound);
            schema[exclusive] = limit.DeepClone();
        }
        if (schema["nullable"] is not JsonValue nullable || !nullable.TryGetValue(out bool isNullable)) return;
        schema.Remove("nullable");
        if (!isNullable) return;
        JsonNode copy = schema.DeepClone();
        schema.Clear();
        schema["anyOf"] = new JsonArray(copy, new JsonObject { ["type"] = "null" });
    }

    /// <summary>What OpenAI's service answers though its description does not say so.</summary>
    private void Amend()
    {
        // It is a purpose of requests.
        _schemas["OpenAIFile"]!["properties"]!["purpose"]!["enum"]!.AsArray().Add("evals");
        // Null stands for the first token of an echoed prompt, which nothing comes before.
        JsonNode logprobs = _schemas["CreateCompletionResponse"]!["properties"]!["choices"]!["items"]!["properties"]!["logprobs"]!["anyOf"]![0]!["properties"]!;
        foreach (string field in new[] { "token_logprobs", "top_logprobs" }) logprobs[field]!["items"]!["type"] = new JsonArray((string)logprobs[field]!["items"]!["type"]!, "null");
        // What a piece of a custom tool's call is: OpenAI's npm package reads it so.
        _schemas["ChatCompletionMessageToolCallChunk"]!["properties"]!["type"]!["enum"]!.AsArray().Add("custom");
        // What a job that was paused is.
        _schemas["FineTuningJob"]!["properties"]!["status"]!["enum"]!.AsArray().Add("paused");
        // Integrations of our own type.
        JsonObject integration = _schemas["FineTuningIntegration"]!.AsObject();
        integration["properties"]!["type"]!["enum"]!.AsArray().Add("mlflow");
        integration["required"] = new JsonArray("type");
        // Our own settings allow more epochs, larger batches and a learning rate of 0.
        foreach (JsonNode bounded in new[] { _schemas["FineTuneSupervisedHyperparameters"]!, _schemas["FineTuneDPOHyperparameters"]!, _schemas["FineTuningJob"]!["properties"]!["hyperparameters"]! }) Unbound(bounded);
    }

    private static void Unbound(JsonNode node)
    {
        if (node is JsonObject schema) foreach (string bound in new[] { "maximum", "exclusiveMinimum" }) schema.Remove(bound);
        foreach (JsonNode? inner in node is JsonObject fields ? fields.Select(field => field.Value) : node is JsonArray items ? items : []) if (inner is not null) Unbound(inner);
    }

    private static OpenAIDescription? Load()
    {
        string path = Path.Combine(SharedFolder.Folder, "openai", "openapi-subset.json");
        return File.Exists(path) ? new OpenAIDescription(JsonNode.Parse(File.ReadAllText(path))!.AsObject()) : null;
    }
}
