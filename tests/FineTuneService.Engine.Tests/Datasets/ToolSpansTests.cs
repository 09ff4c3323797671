using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>What is learnt of conversations in which the assistant calls tools: the calls too, and nothing that a tool says.</summary>
public class ToolSpansTests
{
    private const string Rows = """{"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}], "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}}], "weight": FIRST}, {"role": "tool", "tool_call_id": "1", "content": "42"}, {"role": "assistant", "content": "It is 42.", "weight": SECOND}]}""";

    private const string Call = "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 1}}\n</tool_call><|im_end|>";

    /// <summary>Qwen3 writes an empty thought before a last answer, and not before an earlier one.</summary>
    [Theory]
    [InlineData(1, 1, Call + "|<think>\n\n</think>\n\nIt is 42.<|im_end|>")]
    [InlineData(0, 1, "<think>\n\n</think>\n\nIt is 42.<|im_end|>")]
    [InlineData(1, 0, Call)]
    public void Encode_OwnTemplateOfQwen3_LearnsCallsAndAnswers(int first, int second, string learnt)
    {
        string folder = Shared.Path("tokenizers", "qwen3");
        Assert.Equal(learnt, Learnt(ChatTemplate.Load(folder)!, Tokenizer.Load(folder), first, second));
    }

    private const string Blocks = "{%- for m in messages -%}{{- '<|' + m.role + '|>' -}}{%- if m.role == 'assistant' -%}{%- generation -%}"
        + "{%- for call in m.tool_calls or [] -%}{{- call.function.name + call.function.arguments|tojson -}}{%- endfor -%}{{- (m.content or '') + '<|end|>' -}}{%- endgeneration -%}"
        + "{%- else -%}{{- m.content + '<|end|>' -}}{%- endif -%}{%- endfor -%}{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}";

    [Theory]
    [InlineData(1, 1, "f{\"x\": 1}<|end|>|It is 42.<|end|>")]
    [InlineData(0, 1, "It is 42.<|end|>")]
    [InlineData(1, 0, "f{\"x\": 1}<|end|>")]
    public void Encode_TemplateWithBlocks_GoesByTheWeights(int first, int second, string learnt)
    {
        foreach (string template in (string[])[Blocks, Blocks.Replace("{%- generation -%}", "").Replace("{%- endgeneration -%}", "")])
            Assert.Equal(learnt, Learnt(ChatTemplate.Parse(template, null, "<|end|>"), Small, first, second));
    }

    private static readonly Tokenizer Small = Tokenizer.Parse(BpeTrainer.Train(["It is 42. f {x: 1}"], 300, ["<|user|>", "<|assistant|>", "<|tool|>", "<|end|>"]), """{"eos_token": "<|end|>"}""");

    /// <summary>The runs of learnt tokens, as text.</summary>
    private static string Learnt(ChatTemplate template, Tokenizer tokenizer, int first, int second)
    {
        var rows = Dataset.Read(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(Rows.Replace("FIRST", $"{first}").Replace("SECOND", $"{second}"))));
        var encoded = new RowEncoder(tokenizer, template, 512).Encode(rows);
        Assert.True(encoded.Problems.Count == 0, string.Join('\n', encoded.Problems));
        var runs = new List<List<int>>();
        foreach (var (i, label) in encoded.Rows[0].Labels.Index())
        {
            if (label < 0) continue;
            if (i == 0 || encoded.Rows[0].Labels[i - 1] < 0) runs.Add([]);
            runs[^1].Add(label);
        }
        return string.Join('|', runs.Select(run => tokenizer.Decode([.. run], skipSpecialTokens: false)));
    }
}
