using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat.Jinja;

namespace FineTuneService.Engine.Tests.Chat;

/// <summary>
/// Every template of chat-templates on the conversations of rendered_templates.json, against Jinja2. The reference leaves tools undefined
/// where there are none (transformers gives null), so this asks the interpreter itself.
/// </summary>
public class RenderedTemplateTests
{
    public static TheoryData<string> Templates => Shared.Entries("chat-templates", "*.jinja");

    [Theory, MemberData(nameof(Templates))]
    public void Render_FieldsTemplate_EqualsJinja2(string name)
    {
        JsonNode file = GoldenChat.Read("chat-templates", "rendered_templates.json");
        string source = File.ReadAllText(Shared.Path("chat-templates", name));
        JsonNode[] cases = [.. file["cases"]!.AsArray().Where(@case => (string)@case!["template"]! == name).Select(@case => @case!)];
        Assert.NotEmpty(cases);
        var outcomes = new GoldenChat.Outcomes("chat");
        foreach (JsonNode @case in cases)
        {
            outcomes.Compare((string)@case["case"]!, (string?)@case["rendered"], Error(@case), () => Renderer.Render(
                Parser.Parse(source), Variables(file, (string)@case["case"]!), GoldenChat.Clock).Text);
        }
        outcomes.Report($"rendered {name}");
    }

    private static JsonObject Variables(JsonNode file, string kind)
    {
        var variables = new JsonObject
        {
            ["messages"] = file["messages"]![kind]!.DeepClone(),
            ["add_generation_prompt"] = kind != "system_no_generation_prompt",
            ["bos_token"] = "<s>",
            ["eos_token"] = "</s>",
        };
        if (kind == "tools") variables["tools"] = file["tools"]!.DeepClone();
        return variables;
    }

    /// <summary>The reference writes "type: message".</summary>
    private static JsonObject? Error(JsonNode @case) => ((string?)@case["error"])?.Split(": ", 2) is [var type, var message]
        ? new JsonObject { ["type"] = type, ["message"] = message } : null;
}
