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
    public void Load_Saved_IsEqual()
    {
        using var folder = new TemporaryFolder();
        PromptTemplate.Alpaca.Save(folder.Path);
        Assert.Equal(PromptTemplate.Alpaca, PromptTemplateFile.Load(folder.Path));
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
