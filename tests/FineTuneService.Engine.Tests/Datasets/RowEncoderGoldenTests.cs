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
        // TRL takes an empty text; golden/data/bad-datasets refuses it, and so does the reader.
        var empty = @case["rows_in"]!.AsArray().Select(row => (string?)row!["text"] == "").ToArray();
        JsonNode[] expected = [.. @case["rows_out"]!.AsArray().Where((_, i) => !empty.Contains(true) || !empty[i]).Select(row => row!)];
        Assert.Equal(expected.Select(row => Joined(Ints(row["input_ids"]!))), encoded.Rows.Select(row => Joined(row.Ids)));
        Assert.Equal(expected.Select(row => Joined(Ints(row["labels"]!))), encoded.Rows.Select(row => Joined(row.Labels)));
        Fidelity.Passed("chat", label, $"{expected.Length} rows equal");
    }

    private static string Joined(int[] ids) => string.Join(' ', ids);

    /// <summary>What the Engine makes of the case, or a skip that names what it refuses.</summary>
    private static EncodedRows EncodeOrSkip(JsonNode @case, string label)
    {
        var rows = Read([.. @case["rows_in"]!.AsArray().Select(row => row!.DeepClone().AsObject())]);
        if (rows.Problems.FirstOrDefault(problem => problem.Feature is not null) is { } unbuilt) Fidelity.Skipped("chat", label, unbuilt.Feature!);
        JsonObject config = @case["config"]!.AsObject();
        var unknown = config.Select(option => option.Key).Except(["max_length", "truncation_mode", "completion_only_loss", "assistant_only_loss", "packing", "packing_strategy"]);
        if (unknown.FirstOrDefault() is { } option) Fidelity.Skipped("chat", label, option);
        int longest = (int?)config["max_length"] ?? int.MaxValue;
        var packs = (bool?)config["packing"] == true;
        var truncation = (string?)config["truncation_mode"] == "keep_end" ? Truncation.KeepEnd : Truncation.KeepStart;
        // TRL packs first: rows that are too long are then cut, or split, by the packing.
        var encoder = new RowEncoder(Load($"tokenizers/{@case["tokenizer"]}/tokenizer.json"), Template(@case), packs ? int.MaxValue : longest, truncation: truncation) { LossOn = Loss(config) };
        var encoded = encoder.Encode(rows);
        return packs ? encoded with { Rows = Packing.Pack(encoded.Rows, longest, GoldenPackingTests.Strategy((string?)config["packing_strategy"] ?? "bfd")) } : encoded;
    }

    /// <summary>TRL's defaults: the completion of rows that have one, and of others every token.</summary>
    private static LossOn Loss(JsonObject config) =>
        ((bool?)config["assistant_only_loss"] == true ? LossOn.Assistant : LossOn.All) | ((bool?)config["completion_only_loss"] == false ? LossOn.All : LossOn.Completion);

    public static TheoryData<string> PromptFormats() => Shared.Present
        ? [.. GoldenChat.Read("golden", "data", "prompts.json")["cases"]!.AsArray().Select(@case => (string)@case!["format"]!).Distinct()] : [""];

    /// <summary>Rows in the prompts of Stanford, LitGPT and Databricks: texts and, where they are given, ids.</summary>
    [Theory, MemberData(nameof(PromptFormats))]
    public void Encode_RowInAKnownPrompt_EqualsItsTextAndIds(string format)
    {
        var tokenizer = Load("tokenizers/llama2/tokenizer.json");
        var template = PromptTemplate.Known.FirstOrDefault(known => known.Name == format.Replace("-stanford", "").Replace("-litgpt", ""));
        if (template is null) Fidelity.Skipped("data", $"{format} prompts", $"the prompt {format}");
        var encoder = new RowEncoder(tokenizer, null, int.MaxValue, promptTemplate: template);
        var compared = 0;
        foreach (var @case in GoldenChat.Read("golden", "data", "prompts.json")["cases"]!.AsArray().Where(@case => (string)@case!["format"]! == format))
        {
            var input = @case!["input"]!;
            var prompt = template!.Render((string)input["instruction"]!, (string?)(input["input"] ?? input["context"]) ?? "");
            if (@case["prompt"] is { } expected) Assert.Equal((string)expected!, prompt);
            Assert.Equal((string)@case["text"]!, prompt + (string?)(input["output"] ?? input["response"]) + template.Behind);
            var row = Assert.Single(encoder.Encode(Read(input.DeepClone().AsObject())).Rows);
            Assert.Equal(@case["llama2_ids_with_eos"] is { } ids ? Ints(ids) : [.. tokenizer.Encode((string)@case["text"]!, addSpecialTokens: true), tokenizer.EosId!.Value], row.Ids);
            if ((bool?)@case["prompt_is_prefix"] == true)
                Assert.Equal((int)@case["llama2_prompt_ids"]!, row.Labels.Count(id => id == TrainingRow.Ignored));
            compared++;
        }
        Fidelity.Passed("data", $"{format} prompts", $"{compared} prompts and ids equal");
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
