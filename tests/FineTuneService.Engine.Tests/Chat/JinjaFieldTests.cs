using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat.Jinja;

namespace FineTuneService.Engine.Tests.Chat;

/// <summary>Templates that users met, with Jinja2's own results: field/jinja-*.json.</summary>
public class JinjaFieldTests
{
    public static TheoryData<string> Files => Shared.Entries("field", "jinja-*.json");

    [Theory, MemberData(nameof(Files))]
    public void Render_FieldTemplate_EqualsJinja2(string name)
    {
        JsonNode file = GoldenChat.Read("field", name);
        var outcomes = new GoldenChat.Outcomes("chat");
        foreach (JsonNode? @case in file["cases"]!.AsArray())
        {
            JsonObject context = (@case!["context"] ?? file["base_context"])!.AsObject();
            outcomes.Compare((string)@case["name"]!, (string?)@case["output"], @case["error"],
                () => Renderer.Render(Parser.Parse((string)@case["template"]!), context, GoldenChat.Clock).Text);
        }
        outcomes.Report($"field {name}");
    }
}
