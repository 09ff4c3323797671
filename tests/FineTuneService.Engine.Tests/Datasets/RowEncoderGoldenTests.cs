using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tests.Chat;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>Tokens and labels against transformers' assistant masks, TRL's SFTTrainer and Stanford's Alpaca prompts.</summary>
public class RowEncoderGoldenTests
{
    public static TheoryData<string> Masks => Shared.Entries("golden/chat/masks", "*.json");

    [Theory, MemberData(nameof(Masks))]
    public void Encode_TemplateWithGenerationBlocks_EqualsAssistantMasks(string name) => CompareMasks(name, source => source, "");

    /// <summary>
    /// The template "plain" asks for an answer with "Assistant:" and writes "Assistant: " in a conversation: without blocks the
    /// blank is learnt, since serving leaves it to the model.
    /// </summary>
    public static TheoryData<string> MasksOfConsistentPrompts =>
        [.. Masks.Select(row => row.Data).Where(name => !name.StartsWith("plain"))];

    /// <summary>Most templates lack the blocks; found by rendering, the assistant's words have to be the same ones.</summary>
    [Theory, MemberData(nameof(MasksOfConsistentPrompts))]
    public void Encode_TemplateWithoutGenerationBlocks_EqualsAssistantMasks(string name) =>
        CompareMasks(name, WithoutBlocks, " without generation blocks");

    /// <summary>Another block in their place, so that whatever blanks their dashes take away stay away.</summary>
    private static string WithoutBlocks(string source)
    {
        var stripped = Regex.Replace(source, @"(\{%[-+]?\s*)(end)?generation(\s*[-+]?%\})", match =>
            match.Groups[1].Value + (match.Groups[2].Success ? "endif" : "if true") + match.Groups[3].Value);
        Assert.DoesNotMatch(@"\bgeneration\s*[-+]?%\}", stripped);
        return stripped;
    }

    private static void CompareMasks(string name, Func<string, string> change, string kind)
    {
        var file = GoldenChat.Read("golden", "chat", "masks", name);
        var tokens = file["special_tokens"]!;
        var source = change(File.ReadAllText(Shared.Path("golden", "chat", (string)file["template"]!)));
        var template = ChatTemplate.Parse(source, (string?)tokens["bos_token"], (string?)tokens["eos_token"]);
        var encoder = new RowEncoder(Load((string)file["tokenizer"]!), template, int.MaxValue);
        var compared = 0;
        foreach (var @case in file["cases"]!.AsArray())
        {
            var row = new JsonObject { ["messages"] = @case!["messages"]!.DeepClone() };
            var dataset = Read(row);
            if (dataset.Rows.Count == 0) continue;
            var encoded = encoder.Encode(dataset);
            if (@case["error"] is not null)
            {
                Assert.Single(encoded.Problems);
                continue;
            }
            var ids = Ints(@case["input_ids"]!);
            var mask = Ints(@case["assistant_masks_weighted"] ?? @case["assistant_masks"]!);
            var label = row.ToJsonString();
            if (mask.Skip(1).All(bit => bit == 0))
            {
                Assert.Equal(1, encoded.Dropped);
                continue;
            }
            Assert.True(encoded.Problems.Count == 0, $"{label}\n{string.Join('\n', encoded.Problems)}");
            Assert.Equal(ids, encoded.Rows[0].Ids);
            var learnt = encoded.Rows[0].Labels.Select(id => id == TrainingRow.Ignored ? 0 : 1);
            Assert.Equal(label + string.Join(' ', mask), label + string.Join(' ', learnt));
            compared++;
        }
        Assert.True(compared > 0, "no case was comparable");
        Fidelity.Passed("chat", $"mask {name}{kind}", $"{compared} conversations equal");
    }

    public static TheoryData<int> SftCases()
    {
        if (!Shared.Present) return [-1];
        return [.. Enumerable.Range(0, GoldenChat.Read("golden", "chat", "sft-trainer.json")["cases"]!.AsArray().Count)];
    }

    [Theory, MemberData(nameof(SftCases))]
    public void Encode_SftTrainerCase_EqualsTrl(int index)
    {
        var @case = GoldenChat.Read("golden", "chat", "sft-trainer.json")["cases"]!.AsArray()[index]!;
        var label = $"sft {index} {@case["tokenizer"]} {@case["kind"]} {@case["config"]!.ToJsonString()}";
        var encoded = EncodeOrSkip(@case, label);
        if (@case["error"] is { } error)
        {
            // TRL wants generation blocks (a ValueError); here the assistant's words are found without (Encode_TemplateWithoutGenerationBlocks).
            bool nothingToLearn = (string)error["type"]! == "RuntimeError";
            Assert.Equal(nothingToLearn, encoded.Problems.Count > 0);
            Fidelity.Passed("chat", label, nothingToLearn ? "refused by both" : $"{encoded.Rows.Count} rows, where TRL refuses the template");
            return;
        }
        Assert.True(encoded.Problems.Count == 0, string.Join('\n', encoded.Problems));
        var expected = @case["rows_out"]!.AsArray();
        Assert.Equal(expected.Select(row => Joined(Ints(row!["input_ids"]!))), encoded.Rows.Select(row => Joined(row.Ids)));
        Assert.Equal(expected.Select(row => Joined(Ints(row!["labels"]!))), encoded.Rows.Select(row => Joined(row.Labels)));
        Fidelity.Passed("chat", label, $"{expected.Count} rows equal");
    }

    private static string Joined(int[] ids) => string.Join(' ', ids);

    /// <summary>What the Engine makes of the case, or a skip that names what it refuses.</summary>
    private static EncodedRows EncodeOrSkip(JsonNode @case, string label)
    {
        var rows = Read([.. @case["rows_in"]!.AsArray().Select(row => row!.DeepClone().AsObject())]);
        if (rows.Problems.FirstOrDefault(problem => problem.Feature is not null) is { } unbuilt) Fidelity.Skipped("chat", label, unbuilt.Feature!);
        try
        {
            var recipe = EncodingRecipe.Parse(@case["config"]!.AsObject(), rows);
            return new RowEncoder(Load($"tokenizers/{@case["tokenizer"]}/tokenizer.json"), Template(@case), recipe.MaxLength).Encode(rows);
        }
        catch (NotSupportedException refused)
        {
            Fidelity.Skipped("chat", label, refused.Message);
            throw;
        }
    }

    [Fact]
    public void Encode_AlpacaRow_EqualsStanfordsPromptAndIds()
    {
        var tokenizer = Load("tokenizers/llama2/tokenizer.json");
        var encoder = new RowEncoder(tokenizer, null, int.MaxValue);
        var compared = 0;
        var cases = GoldenChat.Read("golden", "data", "prompts.json")["cases"]!.AsArray();
        foreach (var @case in cases.Where(@case => (string)@case!["format"]! == "alpaca-stanford"))
        {
            var input = @case!["input"]!;
            var prompt = PromptTemplate.Alpaca.Render((string)input["instruction"]!, (string?)input["input"] ?? "");
            Assert.Equal((string)@case["prompt"]!, prompt);
            var row = Assert.Single(encoder.Encode(Read(input.DeepClone().AsObject())).Rows);
            Assert.Equal(Ints(@case["llama2_ids_with_eos"]!), row.Ids);
            if ((bool)@case["prompt_is_prefix"]!)
                Assert.Equal((int)@case["llama2_prompt_ids"]!, row.Labels.Count(id => id == TrainingRow.Ignored));
            compared++;
        }
        Fidelity.Passed("data", "alpaca-stanford prompts", $"{compared} prompts and ids equal");
    }

    private static Dataset Read(params JsonObject[] rows)
    {
        var lines = string.Join('\n', rows.Select(row => row.ToJsonString()));
        return Dataset.Read(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(lines)));
    }

    private static Tokenizer Load(string path) => Tokenizer.Load(Path.GetDirectoryName(Shared.Path(path))!);

    private static ChatTemplate Template(JsonNode @case)
    {
        var folder = Shared.Path("tokenizers", (string)@case["tokenizer"]!);
        var own = ChatTemplate.Load(folder)!;
        var path = (string)@case["chat_template"]!;
        return path == "own" ? own : own.WithSource(File.ReadAllText(Shared.Path("golden", "chat", path)));
    }

    private static int[] Ints(JsonNode list) => [.. list.AsArray().Select(item => (int)item!)];
}
