using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Tests.Chat;

/// <summary>The field's own templates on the reference's conversations, against apply_chat_template.</summary>
public class ChatTemplateGoldenTests
{
    public static TheoryData<string> Rendered => Shared.Entries("golden/chat/rendered", "*.json");

    public static TheoryData<string> Configured => Shared.Entries("golden/chat/tokenizer-config", "*.json");

    [Theory, MemberData(nameof(Rendered))]
    public void Render_SharedTemplate_EqualsTransformers(string name)
    {
        var file = GoldenChat.Read("golden", "chat", "rendered", name);
        var path = ((string)file["template"]!).Split('/');
        // The folder of a case's template is that of the reference folder, or of the cases themselves.
        var source = File.ReadAllText(path[0] == "chat-templates" ? Shared.Path(path) : Shared.Path(["golden", "chat", .. path]));
        var tokens = file["special_tokens"]!;
        Compare(name, file, ChatTemplate.Parse(source, (string?)tokens["bos_token"], (string?)tokens["eos_token"]));
    }

    [Theory, MemberData(nameof(Configured))]
    public void Load_TokenizerConfig_RendersAsTransformers(string name)
    {
        var file = GoldenChat.Read("golden", "chat", "tokenizer-config", name);
        var configuration = Shared.Path(((string)file["template"]!).Split('#')[0].Split('/'));
        Compare(name, file, ChatTemplate.Load(Path.GetDirectoryName(configuration)!)!);
    }

    [Fact]
    public void Render_LlamaCppCase_EqualsReference()
    {
        var file = GoldenChat.Read("chat-templates", "chat_template_cases.json");
        var outcomes = new GoldenChat.Outcomes("chat");
        foreach (var @case in file["cases"]!.AsArray().Where(@case => (bool?)@case!["plain_jinja2_agrees"] == true))
        {
            var template = ChatTemplate.Parse((string)@case!["template_str"]!, (string?)@case["bos_token"], (string?)@case["eos_token"]);
            var expected = (string?)@case["expected_output_jinja"] ?? (string?)@case["expected_output"];
            outcomes.Compare((string)@case["name"]!, expected, null,
                () => template.Render(Conversation(file, @case), addGenerationPrompt: true).Text);
        }
        outcomes.Report("llama.cpp cases");
    }

    private static JsonArray Conversation(JsonNode file, JsonNode @case) =>
        [.. file["conversation"]!.AsArray().Concat(@case["extra_conversation"] as JsonArray ?? []).Select(turn => turn!.DeepClone())];

    private static void Compare(string name, JsonNode file, ChatTemplate parsed)
    {
        var template = parsed.WithSource(parsed.Source, GoldenChat.Clock);
        var inputs = GoldenChat.Read("golden", "chat", "conversations.json");
        var outcomes = new GoldenChat.Outcomes("chat");
        foreach (var @case in file["cases"]!.AsArray())
        {
            var options = @case!.AsObject().Where(option => option.Key is not ("text" or "error"));
            var label = string.Join(' ', options.Select(option => $"{option.Key}={option.Value}"));
            outcomes.Compare(label, (string?)@case!["text"], @case["error"], () => Render(template, inputs, @case));
        }
        outcomes.Report(name);
    }

    private static string Render(ChatTemplate template, JsonNode inputs, JsonNode @case)
    {
        var variables = @case["kwargs"]?.DeepClone().AsObject() ?? [];
        foreach (var kind in (string[])["tools", "documents"])
            if (@case[kind] is { } name) variables[kind] = inputs[kind]![(string)name!]!.DeepClone();
        var messages = inputs["conversations"]![(string)@case["conversation"]!]!.AsArray();
        var (unfinished, prompt) = ((bool?)@case["continue_final_message"] ?? false, (bool)@case["add_generation_prompt"]!);
        // The reference has one call with two flags; here they are two methods, so both at once cannot be asked for.
        if (unfinished && prompt) throw new ChatTemplateException("both flags", 0);
        return unfinished ? template.RenderUnfinished(messages, variables) : template.Render(messages, prompt, variables).Text;
    }
}
