using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Tests.Chat;

/// <summary>The template that an adapter answers with.</summary>
public class AdapterChatTemplateTests
{
    private static readonly ChatMessage[] Question = [new("user", "Hi")];
    private static readonly ChatTemplate OfBase = ChatTemplate.Parse("base{{ eos_token }}", null, "<b>");

    [Theory]
    [InlineData("chat_template.jinja", "own{{ eos_token }}", "own<b>")]
    [InlineData("tokenizer_config.json", """{"chat_template": "own{{ eos_token }}"}""", "own<b>")]
    [InlineData("tokenizer_config.json", """{"chat_template": "own{{ eos_token }}", "eos_token": "<a>"}""", "own<a>")]
    [InlineData("tokenizer_config.json", """{"chat_template": [{"name": "default", "template": "own"}]}""", "own")]
    public void Of_AdapterWithATemplate_IsItsOwnWhetherTheBaseHasOneOrNot(string file, string text, string expected)
    {
        using TemporaryFolder adapter = new(), model = new();
        adapter.Write(file, text);
        model.Write("tokenizer_config.json", """{"eos_token": "<b>"}""");
        Assert.Equal(expected, AdapterChatTemplate.Of(adapter.Path, null, model.Path)!.Render(Question));
        Assert.Equal(expected, AdapterChatTemplate.Of(adapter.Path, OfBase, model.Path)!.Render(Question));
    }

    [Fact]
    public void Of_AdapterWithoutATemplate_IsTheBases()
    {
        using var adapter = new TemporaryFolder();
        adapter.Write("tokenizer_config.json", """{"eos_token": "<a>"}""");
        Assert.Same(OfBase, AdapterChatTemplate.Of(adapter.Path, OfBase, null));
        Assert.Null(AdapterChatTemplate.Of(adapter.Path, null, null));
    }

    [Fact]
    public void Of_BrokenTemplate_IsRefused()
    {
        using var adapter = new TemporaryFolder();
        adapter.Write("tokenizer_config.json", """{"chat_template": "{% if %}"}""");
        Assert.Throws<ChatTemplateException>(() => AdapterChatTemplate.Of(adapter.Path, OfBase, null));
        adapter.Write("tokenizer_config.json", "{");
        Assert.Throws<ChatTemplateException>(() => AdapterChatTemplate.Of(adapter.Path, OfBase, null));
    }

    [Fact]
    public void CopyTo_TemplateInsideTheTokenizersConfiguration_BecomesTheModels()
    {
        using TemporaryFolder adapter = new(), model = new();
        adapter.Write("tokenizer_config.json", """{"chat_template": "own"}""");
        model.Write("tokenizer_config.json", """{"chat_template": "base"}""");
        AdapterChatTemplate.CopyTo(model.Path, adapter.Path);
        Assert.Equal("own", ChatTemplate.Load(model.Path)!.Source);
    }
}
