using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat.Jinja;

namespace FineTuneService.Engine.Tests.Chat;

/// <summary>The reference's small templates, rendered over one context by Jinja2 itself.</summary>
public class JinjaGoldenTests
{
    public static TheoryData<string> Areas()
    {
        if (!Shared.Present) return [""];
        var cases = GoldenChat.Read("golden", "chat", "jinja-cases.json")["cases"]!.AsArray();
        return [.. cases.Select(@case => Area((string)@case!["name"]!)).Distinct()];
    }

    [Theory, MemberData(nameof(Areas))]
    public void Render_JinjaCase_EqualsJinja2(string area)
    {
        var file = GoldenChat.Read("golden", "chat", "jinja-cases.json");
        var outcomes = new GoldenChat.Outcomes("chat");
        foreach (var @case in file["cases"]!.AsArray().Where(@case => Area((string)@case!["name"]!) == area))
        {
            if (@case!["output_is_address"] is not null) continue;
            var context = @case["context"] as JsonObject ?? file["base_context"]!.AsObject();
            outcomes.Compare((string)@case["name"]!, (string?)@case["output"], @case["error"],
                () => Render((string)@case["template"]!, context));
        }
        outcomes.Report($"jinja {area}");
    }

    private static string Area(string name) => name.Split('/')[0];

    private static string Render(string template, JsonObject context) => Renderer.Render(Parser.Parse(template), context, GoldenChat.Clock).Text;
}
