using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Tests.Chat;

public class PromptTemplateTests
{
    [Fact]
    public void Render_InstructionThatLooksLikeAPlace_StaysAsItIs() =>
        Assert.Contains("### Instruction:\nfill {input}\n\n### Input:\nx\n", PromptTemplate.Alpaca.Render("fill {input}", "x"));

    [Fact]
    public void Render_Chat_TakesTheLastUserMessageForTheInstruction()
    {
        ChatMessage[] messages = [new("system", "Be brief."), new("user", "Add 1 and 1.")];
        Assert.Equal(PromptTemplate.Alpaca.Render("Add 1 and 1.", "Be brief."), PromptTemplate.Alpaca.Render(messages));
    }

    [Fact]
    public void Render_ChatIntoOnePlace_PutsEverythingThere()
    {
        ChatMessage[] messages = [new("system", "Be brief."), new("user", "Add 1 and 1.")];
        Assert.Equal("Q: Be brief.\nAdd 1 and 1.\nA:", PromptTemplate.Own("Q: {question}\nA:").Render(messages));
    }

    [Fact]
    public void Render_ChatIntoSeveralPlaces_TakesAJsonObject()
    {
        var template = PromptTemplate.Own("{text} in {language}, {{literally}}:");
        Assert.Equal("hi in de, {literally}:", template.Render([new ChatMessage("user", """{"language": "de", "text": "hi"}""")]));
        foreach (string content in (string[])["hi", "{\"text\": \"hi\"}", "[1]", "{\"text\": {}, \"language\": \"de\"}"])
            Assert.Contains("{text}, {language}: write the last user message as a JSON object", Assert.Throws<ChatTemplateException>(() => template.Render([new ChatMessage("user", content)])).Message);
    }

    [Fact]
    public void Load_Saved_IsEqual()
    {
        foreach (PromptTemplate template in (PromptTemplate[])[.. PromptTemplate.Known, PromptTemplate.Own("{a} {b}")])
        {
            using var folder = new TemporaryFolder();
            template.Save(folder.Path);
            Assert.Equal(template, PromptTemplateFile.Load(folder.Path));
        }
    }

    [Fact]
    public void Load_AdapterWithoutOne_IsNull()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(PromptTemplateFile.Load(folder.Path));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    [InlineData("""{"name": "x", "with_input": "no place", "without_input": "{instruction}"}""")]
    public void Load_FileThatIsNoTemplate_IsRefused(string json)
    {
        using var folder = new TemporaryFolder();
        folder.Write("prompt_template.json", json);
        Assert.Throws<InvalidDataException>(() => PromptTemplateFile.Load(folder.Path));
    }
}
