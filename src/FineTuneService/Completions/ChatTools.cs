using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FineTuneService.Engine.Chat.Tools;
using FineTuneService.Engine.Generation.Schemas;
using FineTuneService.Hosting;

namespace FineTuneService.Completions;

/// <summary>A request's tools: how they go into the prompt, what a required call is held to, and how calls are read from the answer.</summary>
internal sealed partial class ChatTools
{
    private const int MostTools = 128;
    private const string NoArguments = """{"type": "object", "properties": {}, "additionalProperties": false}""";

    private readonly IReadOnlyList<FunctionBody> _functions;
    private readonly ToolChoice _choice;
    private readonly bool _several;

    /// <summary>Names of the functions that stand for custom tools.</summary>
    private readonly HashSet<string> _custom;

    private ChatTools(IReadOnlyList<FunctionBody> functions, HashSet<string> custom, ToolChoice choice, bool several) =>
        (_functions, _custom, _choice, _several) = (functions, custom, choice, several);

    /// <summary>The model's, once its prompt is made.</summary>
    public ToolConvention Convention { private get; set; } = ToolConvention.Tagged;

    /// <summary>What the template is given; null where nothing is to be called.</summary>
    public JsonArray? Rendered => _choice.Mode == "none" || _functions.Count == 0 ? null : [.. _functions.Select(function => (JsonNode)Render(function))];

    /// <summary>The call that the answer must be, where only one function can be called.</summary>
    private FunctionBody? Single => _choice.Mode == "function" ? _functions.Single(function => function.Name == _choice.Function) : _choice.Mode == "required" && _functions.Count == 1 ? _functions[0] : null;

    private bool IsRequired => _choice.Mode is "function" or "required";

    /// <summary>What the answer begins with, as part of the prompt.</summary>
    public string Begun => Single is { } single ? Convention.Begin(single.Name) : IsRequired ? Convention.Opening : "";

    /// <summary>What the answer is held to behind it; null: nothing.</summary>
    public Func<SchemaGrammar>? Grammar => Single is { } single ? () => Compile(Parameters(single)) : IsRequired ? () => Compile(AnyCall()) : null;

    public IResult? Check()
    {
        if (_functions.Count > MostTools) return Wrong($"tools has {_functions.Count} entries; {MostTools} are the most.");
        if (_functions.FirstOrDefault(function => !FunctionName().IsMatch(function.Name)) is { } odd) return Wrong($"'{Errors.Clip(odd.Name)}' is not a tool's name: up to 64 of a-z, A-Z, 0-9, _ and -.");
        if (_functions.GroupBy(function => function.Name).FirstOrDefault(same => same.Count() > 1) is { } twice) return Wrong($"tools has two entries named '{twice.Key}'.");
        if (_functions.FirstOrDefault(function => function.Parameters is { ValueKind: not (JsonValueKind.Object or JsonValueKind.Null) }) is { } wrong) return Wrong($"the parameters of '{wrong.Name}' are not a JSON schema, which is an object.");
        if (_choice.Allowed?.FirstOrDefault(name => _functions.All(function => function.Name != name)) is { } strange)
            return Errors.BadRequest($"tool_choice allows '{Errors.Clip(strange)}', which is not among tools.", param: "tool_choice");
        if (_choice.Mode is "required" or "function" && _functions.Count == 0) return Errors.BadRequest("tool_choice asks for a call, and there are no tools.", param: "tool_choice");
        if (_choice.Mode == "function" && _functions.All(function => function.Name != _choice.Function))
            return Errors.BadRequest($"tool_choice names '{Errors.Clip(_choice.Function!)}', which is not among tools.", param: "tool_choice");
        return _choice.Mode != "function" || _choice.IsCustom == _custom.Contains(_choice.Function!) ? null
            : Errors.BadRequest($"tool_choice names '{Errors.Clip(_choice.Function!)}' as a {(_choice.IsCustom ? "custom tool, and it is a function" : "function, and it is a custom tool")}.", param: "tool_choice");
    }

    public static IResult? Read(ChatCompletionRequest request, out ChatTools tools)
    {
        IResult? odd = Functions(request.Tools ?? [], out List<FunctionBody> functions, out HashSet<string> custom);
        tools = new ChatTools(functions, custom, request.ToolChoice ?? new ToolChoice("auto"), request.ParallelToolCalls != false);
        if ((odd ?? tools.Check()) is { } wrong) return wrong;
        // The model is told of those only: what it does not know it cannot call.
        if (tools._choice.Allowed is { } allowed) tools = new ChatTools([.. functions.Where(function => allowed.Contains(function.Name))], custom, tools._choice with { Allowed = null }, tools._several);
        return null;
    }

    /// <summary>Tools as a template is given them, without a model's answer in view.</summary>
    public static IResult? Render(IReadOnlyList<ToolBody>? all, out JsonArray? rendered)
    {
        rendered = null;
        if (all is null or { Count: 0 }) return null;
        IResult? odd = Functions(all, out List<FunctionBody> functions, out HashSet<string> custom);
        var tools = new ChatTools(functions, custom, new ToolChoice("auto"), true);
        if ((odd ?? tools.Check()) is { } wrong) return wrong;
        rendered = tools.Rendered;
        return null;
    }

    private static IResult? Functions(IReadOnlyList<ToolBody> all, out List<FunctionBody> functions, out HashSet<string> custom)
    {
        (functions, custom) = ([], []);
        foreach (ToolBody? tool in all)
        {
            switch (tool)
            {
                case { Type: "function", Function: { } function, Custom: null }:
                    functions.Add(function);
                    break;
                case { Type: "custom", Custom: { } other, Function: null }:
                    if (CustomTools.Read(other, out FunctionBody one) is { } refused) return Wrong(refused);
                    functions.Add(one);
                    custom.Add(one.Name);
                    break;
                default: return Wrong("each of tools is {\"type\": \"function\", \"function\": {…}} or {\"type\": \"custom\", \"custom\": {…}}.");
            }
        }
        return null;
    }

    /// <summary>How one choice's text is told.</summary>
    public ChoiceText Text() => _custom.Count == 0 ? CallsOrText() : new CustomCallText(CallsOrText(), _custom);

    private ChoiceText CallsOrText() => Single is { } single ? new ArgumentsText(single.Name) : IsRequired ? new CallText()
        : Rendered is null ? new PlainText() : new FreeText(new ToolCallParser([.. _functions.Select(function => function.Name)]), _several);

    private static IResult Wrong(string message) => Errors.BadRequest(message, param: "tools");

    private static JsonObject Render(FunctionBody function)
    {
        var inner = new JsonObject { ["name"] = function.Name };
        if (function.Description is not null) inner["description"] = function.Description;
        if (function.Parameters is { ValueKind: JsonValueKind.Object } parameters) inner["parameters"] = JsonNode.Parse(parameters.GetRawText());
        return new JsonObject { ["type"] = "function", ["function"] = inner };
    }

    private static string Parameters(FunctionBody function)
    {
        if (function.Parameters is not { ValueKind: JsonValueKind.Object } parameters) return NoArguments;
        bool isObject = parameters.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String && type.ValueEquals("object");
        // Arguments are an object, whatever the schema leaves open.
        return isObject ? parameters.GetRawText() : $"{{\"type\": \"object\", \"allOf\": [{Named(parameters, 0)}]}}";
    }

    private string AnyCall() => $"{{\"anyOf\": [{string.Join(", ", _functions.Select((function, i) =>
    {
        using var schema = JsonDocument.Parse(Parameters(function));
        return $"{{\"type\": \"object\", \"properties\": {{\"name\": {{\"const\": {JsonSerializer.Serialize(function.Name)}}}, \"{Convention.ArgumentsKey}\": {Named(schema.RootElement, i)}}}, "
            + $"\"required\": [\"name\", \"{Convention.ArgumentsKey}\"], \"additionalProperties\": false}}";
    }))}]}}";

    /// <summary>A schema that has an address of its own, so that its references still start from it inside another.</summary>
    private static string Named(JsonElement schema, int number)
    {
        JsonObject copy = JsonNode.Parse(schema.GetRawText())!.AsObject();
        copy.TryAdd("$id", $"function-{number}");
        return copy.ToJsonString();
    }

    private static SchemaGrammar Compile(string schema) => SchemaGrammar.Compile(schema, SchemaOptions.Generation);

    [GeneratedRegex("^[a-zA-Z0-9_-]{1,64}$")]
    private static partial Regex FunctionName();
}
