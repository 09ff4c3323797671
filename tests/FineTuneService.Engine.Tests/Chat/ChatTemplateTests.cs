using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Tests.Chat;

public class ChatTemplateTests
{
    private const string Turns = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

    [Fact]
    public void Render_WithGenerationPrompt_EndsWhereTheAnswerBegins() =>
        Assert.Equal("<user>Hi!<assistant>", ChatTemplate.Parse(Turns, null, "!").Render([new ChatMessage("user", "Hi")], addGenerationPrompt: true));

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
    public void Load_ListOfNamedTemplates_TakesDefault()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer_config.json", """
            {"eos_token": {"content": "$"}, "chat_template": [{"name": "rag", "template": "no"}, {"name": "default", "template": "yes{{ eos_token }}"}]}
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
