using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>Which tokens are learnt of rows whose templates users brought: field/assistant-spans.jsonl, and others of its kinds.</summary>
public class AssistantSpansFieldTests
{
    private static string File => Shared.Path("field", "assistant-spans.jsonl");

    public static TheoryData<int> Cases() => Shared.Present ? [.. Enumerable.Range(0, System.IO.File.ReadLines(File).Count())] : [-1];

    [Theory, MemberData(nameof(Cases))]
    public void Encode_FieldCase_LearnsTheRightTokens(int index)
    {
        var @case = JsonNode.Parse(System.IO.File.ReadLines(File).ElementAt(index))!;
        var encoded = Encode((string)@case["template"]!, @case["row"]!.ToJsonString(), Tokenizer.Load(Path.GetDirectoryName(Shared.Path((string)@case["tokenizer"]!))!));
        Assert.True(encoded.Problems.Count == 0, string.Join('\n', encoded.Problems));
        Assert.Equal($"{@case["name"]}: {@case["ids"]!.ToJsonString()}", $"{@case["name"]}: {Json(encoded.Rows[0].Ids)}");
        Assert.Equal(@case["labels"]!.ToJsonString(), Json(encoded.Rows[0].Labels));
    }

    private const string Loop = "{%- for m in messages -%}{{- '<|' + m.role + '|>' -}}";
    private const string Rest = "{{- m.content + '<|end|>' -}}{%- endfor -%}{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}";

    /// <summary>A template that writes what a last answer's blanks may be taken for, one that trims, and one that keeps them.</summary>
    [Theory]
    [InlineData("{{- m.content|trim + '\n<|end|>' -}}", "\n")]
    [InlineData("{{- m.content|trim + '\n<|end|>' -}}", " \n")]
    [InlineData("{{- m.content|trim + ' <|end|>' -}}", " ")]
    [InlineData("{{- m.content + '<|end|>' -}}", " ")]
    [InlineData("{{- m.content.rstrip() + '\n<|end|>' -}}", "\n")]
    [InlineData("{{- m.content.lstrip() + '<|end|>' -}}", "\n")]
    public void Encode_BlankAtAnAnswersEnd_ChangesNoLabelOfAnotherTurn(string turn, string blank)
    {
        var template = Loop + turn.Replace("\n", "\\n") + Rest[Rest.IndexOf("{%- endfor", StringComparison.Ordinal)..];
        string Row(string first, string last) => $$"""{"messages": [{"role": "user", "content": "the fox"}, {"role": "assistant", "content": {{JsonValue.Create(first)!.ToJsonString()}}}, {"role": "user", "content": "asks"}, {"role": "assistant", "content": {{JsonValue.Create(last)!.ToJsonString()}}}]}""";
        var plain = Learnt(template, Row("the dog", "answers"));
        Assert.Equal(2, plain.Count);
        Assert.EndsWith("<|end|>", plain[0]);
        Assert.Equal(plain[0], Learnt(template, Row("the dog", "answers" + blank))[0]);
        Assert.Equal(plain[1], Learnt(template, Row("the dog" + blank, "answers"))[1]);
        Assert.Equal(plain[0], Learnt(template, Row("the dog", blank + "answers"))[0]);
    }

    [Theory]
    [InlineData("<eot>")]
    [InlineData("\\n<|over|>")]
    [InlineData("<|end_of_text|>")]
    [InlineData("\\n\\nTHE END")]
    public void Encode_TextBehindTheConversation_IsNoEndOfATurn(string over)
    {
        var template = Loop + Rest.Replace("{%- endif -%}", "{%- else -%}{{- '" + over + "' -}}{%- endif -%}");
        var learnt = Learnt(template, """{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "the dog"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "answers"}]}""");
        Assert.Equal("the dog<|end|>", learnt[0]);
        Assert.StartsWith("answers<|end|>", learnt[1]);
    }

    /// <summary>Blocks for thoughts that only some answers have, two answers in a row, and a block behind the conversation. A token that
    /// begins before a block is learnt with it.</summary>
    [Theory]
    [InlineData("0,1", "-,hm; lazy<|end|>;!")]
    [InlineData("1,0", "the dog<|end|>,-")]
    public void Encode_WeightsWithSeveralBlocks_GoByThePlaceOfTheBlocks(string weights, string expected)
    {
        const string template = "{%- for m in messages -%}{{- '<|' + m.role + '|>' -}}{%- if m.role == 'assistant' -%}"
            + "{%- if m.reasoning_content is defined -%}{%- generation -%}{{- m.reasoning_content -}}{%- endgeneration -%}{{- ' so ' -}}{%- endif -%}"
            + "{%- generation -%}{{- m.content + '<|end|>' -}}{%- endgeneration -%}{%- else -%}{{- m.content + '<|end|>' -}}{%- endif -%}{%- endfor -%}"
            + "{%- if messages[-1].role == 'assistant' -%}{%- generation -%}{{- '!' -}}{%- endgeneration -%}{%- endif -%}";
        var (first, second) = (weights[0], weights[2]);
        var learnt = Learnt(template, $$"""{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "the dog", "weight": {{first}}}, {"role": "assistant", "content": "lazy", "reasoning_content": "hm", "weight": {{second}}}]}""");
        Assert.Equal(expected.Replace("-,", "").Replace(",-", ""), string.Join(';', learnt).Replace("<|end|>!", "<|end|>;!"));
    }

    [Fact]
    public void Encode_ConversationalCompletion_LearnsNothingOfThePromptsAnswers()
    {
        var learnt = Learnt(Loop + Rest, """{"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "the dog"}, {"role": "user", "content": "b"}], "completion": [{"role": "assistant", "content": "asks", "weight": 0}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "answers"}]}""");
        Assert.Equal(["answers<|end|>"], learnt);
    }

    private static readonly Tokenizer Small = Tokenizer.Parse(
        BpeTrainer.Train(Enumerable.Repeat("the quick brown fox asks and answers the lazy dog", 3), 300, ["<|user|>", "<|assistant|>", "<|end|>", "<|over|>", "<|end_of_text|>"]),
        """{"eos_token": "<|end|>"}""");

    /// <summary>What is learnt, one text for each run of labels.</summary>
    private static List<string> Learnt(string template, string row)
    {
        var encoded = Encode(template, row, Small);
        Assert.True(encoded.Problems.Count == 0, string.Join('\n', encoded.Problems));
        var runs = new List<List<int>>();
        var inside = false;
        foreach (var label in encoded.Rows[0].Labels)
        {
            if (label >= 0 && !inside) runs.Add([]);
            inside = label >= 0;
            if (inside) runs[^1].Add(label);
        }
        return [.. runs.Select(run => Small.Decode([.. run], skipSpecialTokens: false))];
    }

    private static EncodedRows Encode(string template, string row, Tokenizer tokenizer) =>
        new RowEncoder(tokenizer, ChatTemplate.Parse(template, null, null), 512).Encode(Dataset.Read(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(row))));

    private static string Json(int[] numbers) => $"[{string.Join(',', numbers)}]";
}
