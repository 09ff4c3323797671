using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tests.Chat;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>Rows of other tools' formats against golden/data's messages, pairs and rendered texts.</summary>
public class GoldenConversionTests
{
    private static JsonArray All() => GoldenChat.Read("golden", "data", "conversions.json")["cases"]!.AsArray();

    public static TheoryData<int> Cases() => Shared.Present ? [.. Enumerable.Range(0, All().Count)] : [-1];

    [Theory, MemberData(nameof(Cases))]
    public void Read_GoldenConversion_IsEqual(int index)
    {
        JsonNode @case = All()[index]!, output = @case["output"]!;
        string kind = (string)@case["kind"]!;
        if (@case["input"]!["chosen"] is JsonValue && JsonNode.DeepEquals(@case["input"]!["chosen"], @case["input"]!["rejected"]))
        {
            // TRL cuts what is equal too; such a row has no preference, and bad-datasets refuses it.
            string same = (string)@case["input"]!["chosen"]!;
            Assert.Equal(((string)output["prompt"]!, (string)output["chosen"]!, (string)output["rejected"]!), SharedPrompt.Of(same, same));
            Assert.Contains("no preference", Assert.Single(Load(@case["input"]!).Problems).Message);
            return;
        }
        DatasetRow row = Read(@case["input"]!);
        switch (kind)
        {
            case "sharegpt":
                var chat = Assert.IsType<ChatRow>(row);
                Equal(output["messages"]!, Json(chat.Messages));
                Equal(output["tools"] is JsonArray { Count: > 0 } tools ? tools : new JsonArray(), chat.Tools ?? []);
                Assert.Equal((string)@case["qwen3_text"]!, ChatTemplate.Load(Shared.Path("tokenizers", "qwen3"))!.Render(chat.Messages, tools: chat.Tools));
                break;
            case "dpo-sharegpt" or "extract_prompt":
                var pair = Assert.IsType<PreferenceRow>(row);
                Equal(output["prompt"]!, Prompt(pair.Chosen));
                Equal(output["prompt"]!, Prompt(pair.Rejected));
                Equal(output["chosen"]!, Answer(pair.Chosen));
                Equal(output["rejected"]!, Answer(pair.Rejected));
                break;
            case "unpair_preference":
                var both = Assert.IsType<PreferenceRow>(row);
                foreach (var (answer, expected) in ((DatasetRow[])[both.Chosen, both.Rejected]).Zip(output.AsArray()))
                {
                    Equal(expected!["prompt"]!, Prompt(answer));
                    Equal(expected["completion"]!, Answer(answer));
                    var labelled = Assert.IsType<LabelledRow>(Read(expected));
                    Assert.Equal((bool)expected["label"]!, labelled.IsWanted);
                    Equal(expected["completion"]!, Answer(labelled.Row));
                }
                break;
            default:
                throw new InvalidOperationException($"unknown kind {kind}");
        }
        Fidelity.Passed("data", $"conversion {index} {kind}", "equal");
    }

    private static JsonNode Prompt(DatasetRow row) => row is ChatRow chat ? Json(chat.Messages.Take(chat.PromptMessages)) : JsonValue.Create(((CompletionRow)row).Prompt);

    private static JsonNode Answer(DatasetRow row) => row is ChatRow chat ? Json(chat.Messages.Skip(chat.PromptMessages)) : JsonValue.Create(((CompletionRow)row).Completion);

    private static JsonArray Json(IEnumerable<ChatMessage> messages) => [.. messages.Select(message => message.ToJson())];

    private static void Equal(JsonNode expected, JsonNode actual) =>
        Assert.True(JsonNode.DeepEquals(expected, actual), $"expected {expected.ToJsonString()}\nactual {actual.ToJsonString()}");

    private static Dataset Load(JsonNode row) => Dataset.Read(new MemoryStream(Encoding.UTF8.GetBytes(row.ToJsonString())));

    private static DatasetRow Read(JsonNode row)
    {
        var dataset = Load(row);
        Assert.True(dataset.Problems.Count == 0, string.Join('\n', dataset.Problems));
        return Assert.Single(dataset.Rows);
    }
}
