using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Tests.Chat;

public class ChatTemplateTests
{
    private const string Turns =
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}"
        + "{% if add_generation_prompt %}<assistant>{% endif %}";

    [Fact]
    public void Render_WithGenerationPrompt_EndsWhereTheAnswerBegins()
    {
        var template = ChatTemplate.Parse(Turns, null, "!");
        Assert.Equal("<user>Hi!<assistant>", template.Render([new ChatMessage("user", "Hi")], addGenerationPrompt: true));
    }

    [Fact]
    public void Render_ExtraKeys_AreSeenByTheTemplate()
    {
        var message = new ChatMessage("user", "Hi") { Extra = new JsonObject { ["name"] = "Ada" } };
        Assert.Equal("Ada", ChatTemplate.Parse("{{ messages[0].name }}", null, null).Render([message]));
    }

    [Fact]
    public void Parse_UnknownFilter_IsRefusedByNameAndLine()
    {
        var refusal = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse("a\nb\n{{ messages | shout }}", null, null));
        Assert.Contains("'shout'", refusal.Reason);
        Assert.Equal(3, refusal.Line);
    }

    [Fact]
    public void Parse_FilterOfJinjaThatIsNotBuilt_NamesTheFeature()
    {
        var refusal = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse("{{ messages | urlize }}", null, null));
        Assert.Equal("the filter 'urlize'", refusal.Feature);
    }

    [Fact]
    public void Render_RaiseException_GivesTheTemplatesWordsAndLine()
    {
        var template = ChatTemplate.Parse("{% if true %}\n{{ raise_exception('roles must alternate') }}\n{% endif %}", null, null);
        var refusal = Assert.Throws<ChatTemplateException>(() => template.Render([new ChatMessage("user", "Hi")]));
        Assert.Equal("roles must alternate", refusal.Reason);
        Assert.Equal(2, refusal.Line);
    }

    [Fact]
    public void RenderForTraining_TemplateWithoutGenerationBlocks_FindsTheAnswersAndTheirEnds()
    {
        var rendered = ChatTemplate.Parse(Turns, null, "!").RenderForTraining(
            [new("user", "a"), new("assistant", "b"), new("user", "c"), new("assistant", "a") { Weight = 0 }, new("user", "d"), new("assistant", " e ")]);
        Assert.Equal(["b!", " e !"], rendered.AssistantSpans.Select(span => rendered.Text[span]));
        Assert.False(rendered.OnlyLastAnswer);
    }

    [Fact]
    public void RenderForTraining_TemplateThatCutsThoughtsOfEarlierTurns_StillFindsTheLastAnswer()
    {
        const string cutting = "{% for m in messages %}<{{ m.role }}>"
            + "{{ m.content if loop.last else m.content.split('|')[-1] }}!{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";
        var rendered = ChatTemplate.Parse(cutting, null, "!").RenderForTraining(
            [new("user", "a"), new("assistant", "thought|b"), new("user", "c"), new("assistant", "thought|d")]);
        Assert.Equal(["thought|d!"], rendered.AssistantSpans.Select(span => rendered.Text[span]));
        Assert.True(rendered.OnlyLastAnswer);
    }

    [Fact]
    public void RenderUnfinished_ContentWithBlanks_EndsWithTheContent() =>
        Assert.Equal("<user>a!<assistant>b ", ChatTemplate.Parse(Turns, null, "!").RenderUnfinished([new("user", "a"), new("assistant", "b ")]));

    [Fact]
    public void Load_ListOfNamedTemplates_TakesDefault()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer_config.json", """
            {"eos_token": {"content": "$"},
             "chat_template": [{"name": "rag", "template": "no"}, {"name": "default", "template": "yes{{ eos_token }}"}]}
            """);
        Assert.Equal("yes$", ChatTemplate.Load(folder.Path)!.Render([new ChatMessage("user", "Hi")]));
    }

    [Fact]
    public void Load_JinjaFile_WinsOverTheConfiguration()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer_config.json", """{"chat_template": "config"}""");
        folder.Write("chat_template.jinja", "file");
        Assert.Equal("file", ChatTemplate.Load(folder.Path)!.Source);
    }

    [Fact]
    public void Load_NoTemplate_IsNull()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer_config.json", "{}");
        Assert.Null(ChatTemplate.Load(folder.Path));
    }
}
