using System.Diagnostics;
using System.Text.Json;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Tokenizers;

/// <summary>Files that nest or explode, and texts that take long: what is refused, and what takes time in proportion to its length.</summary>
public class HostileTokenizerTests
{
    private const string Model = """{"type": "BPE", "vocab": {"a": 0, "b": 1, "aa": 2, "aaaa": 3, "?": 4}, "merges": [["a", "a"], ["aa", "aa"]], "unk_token": "?"}""";

    private static readonly Tokenizer Bytes = Tokenizer.Parse(BpeTrainer.Train(["the fox aaaa abab"], 300, ["<|end|>"]));

    [Theory]
    [InlineData("(", 20_000, "longer than")]
    [InlineData("(", 5_000, "inside each other")]
    [InlineData("(?:", 5_000, "inside each other")]
    [InlineData("(?=", 5_000, "inside each other")]
    [InlineData("[", 5_000, "inside each other")]
    [InlineData("a*", 1, "")]
    [InlineData("*", 5_000, "behind each other")]
    public void Parse_ExpressionThatNestsDeeply_IsRefused(string part, int times, string reason)
    {
        string json = Split((part == "*" ? "a" : "") + string.Concat(Enumerable.Repeat(part, times + 1)));
        if (reason.Length == 0) Assert.NotNull(Tokenizer.Parse(json));
        else Assert.Contains(reason, Assert.Throws<TokenizerException>(() => Tokenizer.Parse(json)).Message);
    }

    [Theory]
    [InlineData("normalizer", "normalizers")]
    [InlineData("pre_tokenizer", "pretokenizers")]
    [InlineData("decoder", "decoders")]
    [InlineData("post_processor", "processors")]
    public void Parse_SequencesInsideEachOther_AreRefused(string component, string list)
    {
        string nested = string.Concat(Enumerable.Repeat($"{{\"type\": \"Sequence\", \"{list}\": [", 10_000)) + string.Concat(Enumerable.Repeat("]}", 10_000));
        Assert.Throws<TokenizerException>(() => Tokenizer.Parse($"{{\"{component}\": {nested}, \"model\": {Model}}}"));
    }

    [Theory]
    [InlineData("""{"pre_tokenizer": {"type": "Metaspace", "replacement": ""}, "model": MODEL}""")]
    [InlineData("""{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": null}, "behavior": "Isolated"}, "model": MODEL}""")]
    [InlineData("""{"pre_tokenizer": {"type": "FixedLength", "length": 0}, "model": MODEL}""")]
    [InlineData("""{"normalizer": {"type": "Prepend", "prepend": null}, "model": MODEL}""")]
    [InlineData("""{"post_processor": {"type": "BertProcessing", "cls": [], "sep": []}, "model": MODEL}""")]
    [InlineData("""{"decoder": {"type": "Strip", "content": "", "start": 1, "stop": 0}, "model": MODEL}""")]
    [InlineData("""{"added_tokens": [{"id": 9, "content": null}], "model": MODEL}""")]
    [InlineData("""{"added_tokens": 3, "model": MODEL}""")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": 1e30}, "merges": []}}""")]
    [InlineData("""{"model": 3}""")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"model\": {\"type\": \"WordLevel\", \"vocab\": {\"\\ud800\": 0}, \"unk_token\": \"?\"}}")]
    public void Parse_BrokenComponent_IsRefused(string json) =>
        Assert.Throws<TokenizerException>(() => Tokenizer.Parse(json.Replace("MODEL", Model)));

    [Fact]
    public void Parse_LongAddedToken_IsRefused()
    {
        string json = $$"""{"added_tokens": [{"id": 9, "content": "{{new string('a', 5000)}}"}], "model": {{Model}}}""";
        Assert.Contains("longer than", Assert.Throws<TokenizerException>(() => Tokenizer.Parse(json)).Message);
    }

    [Theory]
    [InlineData("(a|aa)+c")]
    [InlineData("(aa|aaa|a)+c")]
    public void Encode_ExpressionThatExplodes_IsEnded(string expression)
    {
        Tokenizer tokenizer = Tokenizer.Parse(Split(expression));
        Assert.Contains("takes too long", Soon(() => Assert.Throws<TokenizerException>(() => tokenizer.Encode(new string('a', 200)))).Message);
    }

    [Fact]
    public void Encode_RulesThatDoubleTheText_AreEnded()
    {
        string twice = """{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}""";
        Tokenizer tokenizer = Tokenizer.Parse($$"""{"normalizer": {"type": "Sequence", "normalizers": [{{string.Join(',', Enumerable.Repeat(twice, 60))}}]}, "model": {{Model}}}""");
        Assert.Contains("longer than", Soon(() => Assert.Throws<TokenizerException>(() => tokenizer.Encode("a"))).Message);
    }

    /// <summary>A text of one word, of blanks, of marks in no order, of halves of added tokens: each a million characters.</summary>
    [Theory]
    [InlineData("a")]
    [InlineData("ab")]
    [InlineData(" ")]
    [InlineData("\n ")]
    [InlineData("<|en")]
    [InlineData("é😀")]
    public void Encode_LongText_TakesTimeByItsLength(string part)
    {
        string text = string.Concat(Enumerable.Repeat(part, 1_000_000 / part.Length));
        Assert.Equal(text, Bytes.Decode(Soon(() => Bytes.Encode(text))));
    }

    [Theory]
    [InlineData("NFC")]
    [InlineData("NFD")]
    [InlineData("NFKC")]
    public void Encode_ManyMarksOnOneLetter_TakesTimeByItsLength(string form)
    {
        Tokenizer tokenizer = Tokenizer.Parse($$"""{"normalizer": {"type": "{{form}}"}, "model": {{Model}}}""");
        string text = "a" + string.Concat(Enumerable.Repeat("\u0301\u0316\u0345", 100_000));
        Assert.NotEmpty(Soon(() => tokenizer.Encode(text)));
    }

    [Fact]
    public void Encode_LongWordOfAUnigramModel_TakesTimeByItsLength()
    {
        object[] vocabulary = [.. Enumerable.Range(1, 300).Select(length => new object[] { new string('a', length), -1.0 * length }), new object[] { "?", -10.0 }];
        Tokenizer tokenizer = Tokenizer.Parse(JsonSerializer.Serialize(new { model = new { type = "Unigram", vocab = vocabulary, unk_id = 300 } }));
        Assert.NotEmpty(Soon(() => tokenizer.Encode(new string('a', 100_000) + "b")));
    }

    [Fact]
    public void Encode_LongWordOfAWordPieceModel_TakesTimeByItsLength()
    {
        Tokenizer tokenizer = Tokenizer.Parse("""
            {"model": {"type": "WordPiece", "vocab": {"a": 0, "##a": 1, "?": 2}, "unk_token": "?", "max_input_chars_per_word": 100000000}}
            """);
        Assert.Equal(200_000, Soon(() => tokenizer.Encode(new string('a', 200_000))).Length);
    }

    private static string Split(string expression) => JsonSerializer.Serialize(new
    {
        pre_tokenizer = new { type = "Split", pattern = new { Regex = expression }, behavior = "Isolated" },
        model = JsonDocument.Parse(Model).RootElement,
    });

    private static T Soon<T>(Func<T> work)
    {
        var clock = Stopwatch.StartNew();
        T result = work();
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"took {clock.Elapsed}");
        return result;
    }
}
