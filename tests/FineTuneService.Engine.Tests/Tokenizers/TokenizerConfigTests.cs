using System.Text.Json;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Tokenizers;

/// <summary>Special tokens that only the files beside tokenizer.json name, and the flags of a text's begin and end.</summary>
public class TokenizerConfigTests
{
    private const string Text = "the fox<|end|>the dog";

    // In the one, <|end|> is an added token of tokenizer.json; in the other no file names it yet.
    private static readonly string With = BpeTrainer.Train(["the fox the dog"], 300, ["<|begin|>", "<|end|>"]);
    private static readonly string Without = BpeTrainer.Train(["the fox the dog"], 300, ["<|begin|>"]);

    [Theory]
    [InlineData("tokenizer_config.json", """{"eos_token": "<|end|>"}""")]
    [InlineData("tokenizer_config.json", """{"eos_token": {"content": "<|end|>", "special": true}}""")]
    [InlineData("tokenizer_config.json", """{"mask_token": "<|end|>"}""")]
    [InlineData("tokenizer_config.json", """{"additional_special_tokens": ["<|end|>"]}""")]
    [InlineData("tokenizer_config.json", """{"additional_special_tokens": [{"content": "<|end|>", "lstrip": false}]}""")]
    [InlineData("tokenizer_config.json", """{"extra_special_tokens": {"turn_token": "<|end|>"}}""")]
    [InlineData("tokenizer_config.json", """{"added_tokens_decoder": {"7": {"content": "<|end|>", "special": true}}}""")]
    [InlineData("added_tokens.json", """{"<|end|>": 258}""")]
    [InlineData("special_tokens_map.json", """{"eos_token": "<|end|>"}""")]
    [InlineData("special_tokens_map.json", """{"eos_token": {"content": "<|end|>"}, "additional_special_tokens": []}""")]
    public void Load_TokenNamedInOneFileOnly_IsOneToken(string file, string json)
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", Without);
        folder.Write(file, json);
        Tokenizer tokenizer = Tokenizer.Load(folder.Path);
        Assert.Equal(Tokenizer.Parse(With).Encode(Text).Length, tokenizer.Encode(Text).Length);
        Assert.Equal(Tokenizer.Parse(Without).VocabularySize, tokenizer.IdOf("<|end|>"));
        Assert.Equal(Text, tokenizer.Decode(tokenizer.Encode(Text), skipSpecialTokens: false));
    }

    [Fact]
    public void Load_EndInTheOlderMapOnly_IsTheTokenizersEnd()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", With);
        folder.Write("tokenizer_config.json", """{"bos_token": null, "pad_token": "<|begin|>"}""");
        folder.Write("special_tokens_map.json", """{"eos_token": "<|end|>", "bos_token": {"content": "<|begin|>"}}""");
        Tokenizer tokenizer = Tokenizer.Load(folder.Path);
        Assert.Equal(("<|begin|>", "<|end|>", 1), (tokenizer.BosToken, tokenizer.EosToken, tokenizer.EosId));
    }

    [Theory]
    [InlineData("""{"bos_token": "<|begin|>", "add_bos_token": false}""", true, false)]
    [InlineData("""{"bos_token": "<|begin|>", "add_bos_token": true}""", false, true)]
    [InlineData("""{"bos_token": "<|begin|>", "add_bos_token": true}""", true, true)]
    [InlineData("""{"bos_token": "<|begin|>"}""", true, true)]
    [InlineData("""{"bos_token": "<|begin|>", "add_eos_token": true, "eos_token": "<|end|>"}""", true, true)]
    [InlineData("""{"add_bos_token": true}""", false, false)]
    public void Encode_WithSpecialTokens_FollowsTheFlagOfTheBegin(string config, bool processorAdds, bool begins)
    {
        string json = processorAdds ? With.Replace("\"post_processor\": null", "\"post_processor\": " + Processor) : With;
        Tokenizer tokenizer = Tokenizer.Parse(json, config);
        int[] plain = tokenizer.Encode("the fox"), whole = tokenizer.Encode("the fox", addSpecialTokens: true);
        int[] end = config.Contains("add_eos_token") ? [1] : [];
        Assert.Equal(begins ? [0, .. plain, .. end] : [.. plain, .. end], whole);
    }

    [Fact]
    public void Encode_ForbiddenBeginWrittenInTheText_Stays()
    {
        string json = With.Replace("\"post_processor\": null", "\"post_processor\": " + Processor);
        Tokenizer tokenizer = Tokenizer.Parse(json, """{"bos_token": "<|begin|>", "add_bos_token": false}""");
        Assert.Equal([0, .. tokenizer.Encode("the fox")], tokenizer.Encode("<|begin|>the fox", addSpecialTokens: true));
    }

    [Theory]
    [InlineData("tokenizer_config.json", "[]", "not a JSON object")]
    [InlineData("special_tokens_map.json", "{", "not JSON")]
    [InlineData("tokenizer_config.json", """{"eos_token": 3}""", "is not a token")]
    public void Load_BrokenFile_IsNamed(string file, string json, string reason)
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", With);
        folder.Write(file, json);
        var refusal = Assert.Throws<TokenizerException>(() => Tokenizer.Load(folder.Path));
        Assert.Contains(reason, refusal.Message);
        Assert.Contains(".json", refusal.Message);
    }

    private static string Processor => JsonSerializer.Serialize(new
    {
        type = "TemplateProcessing",
        single = new object[] { new { SpecialToken = new { id = "<|begin|>", type_id = 0 } }, new { Sequence = new { id = "A", type_id = 0 } } },
        pair = Array.Empty<object>(),
        special_tokens = new Dictionary<string, object> { ["<|begin|>"] = new { id = "<|begin|>", ids = new[] { 0 }, tokens = new[] { "<|begin|>" } } },
    });
}
