using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Models;

/// <summary>What ends an answer is what any of the folder's files says.</summary>
public class StopTokensTests
{
    [Theory]
    [InlineData("[0]", "1", "<|end|>", "0 1 2")]
    [InlineData("[0, 2]", "[2, 1]", "<|end|>", "0 2 1")]
    [InlineData(null, "0", "<|end|>", "0 2")]
    [InlineData("0", "null", null, "0")]
    [InlineData("null", "null", "<|end|>", "2")]
    [InlineData("[0, 99, -1]", "99", null, "0")]
    [InlineData(null, "null", null, "")]
    public void Of_Folder_IsTheUnion(string? generation, string config, string? end, string expected)
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", $$"""
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 40, "hidden_size": 16, "intermediate_size": 24,
             "num_hidden_layers": 2, "num_attention_heads": 4, "eos_token_id": {{config}}}
            """);
        if (generation is not null) folder.Write("generation_config.json", $$"""{"eos_token_id": {{generation}}}""");
        folder.Write("tokenizer.json", BpeTrainer.Train(["a"], 300, ["<a>", "<b>", "<|end|>"]));
        folder.Write("tokenizer_config.json", end is null ? "{}" : $$"""{"eos_token": "{{end}}"}""");
        IReadOnlyList<int> stops = StopTokens.Of(folder.Path, ModelConfig.Load(folder.Path), Tokenizer.Load(folder.Path));
        Assert.Equal(expected, string.Join(' ', stops));
    }

    [Fact]
    public void Of_BrokenGenerationConfig_IsNamed()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", """
            {"model_type": "llama", "vocab_size": 40, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4}
            """);
        folder.Write("generation_config.json", """{"eos_token_id": "end"}""");
        var refusal = Assert.Throws<ModelException>(() => StopTokens.Of(folder.Path, ModelConfig.Load(folder.Path), null));
        Assert.Contains("generation_config.json", refusal.Message);
    }
}
