using System.Text.Json.Nodes;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tests.Chat;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>
/// What TRL's collator makes of rows. Padding carries nothing, so it is taken away before the comparison: here rows are padded by
/// themselves, to what the batch needs.
/// </summary>
public class GoldenCollatorTests
{
    private static JsonArray All() => GoldenChat.Read("golden", "data", "collator.json")["cases"]!.AsArray();

    public static TheoryData<int> Cases() => Shared.Present ? [.. Enumerable.Range(0, All().Count)] : [-1];

    [Theory, MemberData(nameof(Cases))]
    public void Row_GoldenCase_HasTheCollatorsTokensLabelsAndPositions(int index)
    {
        JsonNode @case = All()[index]!, output = @case["output"]!;
        TrainingRow[] rows = [.. @case["examples"]!.AsArray().Select(example => Row(example!))];
        bool isJoined = (bool?)@case["options"]!["padding_free"] == true;
        if (isJoined) rows = [Packing.Join(rows)];
        for (int i = 0; i < rows.Length; i++)
        {
            // A batch without padding is padded at its end only, to a multiple.
            int[] padded = Ints(output["input_ids"]![i]!);
            int tokens = isJoined ? rows[i].Ids.Length : Ints(output["attention_mask"]![i]!).Sum();
            Assert.Equal(padded[..tokens], rows[i].Ids);
            Assert.All(padded[tokens..], id => Assert.Equal((int)@case["options"]!["pad_token_id"]!, id));
            Assert.Equal(Ints(output["labels"]![i]!)[..tokens], rows[i].Labels);
            Assert.All(Ints(output["labels"]![i]!)[tokens..], label => Assert.Equal(TrainingRow.Ignored, label));
            if (output["position_ids"] is { } positions) Assert.Equal(Ints(positions[i]!)[..tokens], rows[i].Positions());
        }
        if (isJoined)
        {
            int[] ends = [.. rows[0].SequenceLengths.Select((_, i) => rows[0].SequenceLengths.Take(i + 1).Sum())];
            Assert.Equal([0, .. ends], Ints(output["cu_seq_lens_q"]!).Take(ends.Length + 1));
        }
        Fidelity.Passed("data", $"collator {index} {@case["options"]!.ToJsonString()}", $"{rows.Length} rows equal");
    }

    private static TrainingRow Row(JsonNode example)
    {
        int[] ids = Ints(example["input_ids"]!);
        var row = new TrainingRow(ids, example["labels"] is { } labels ? Ints(labels) : ids);
        return example["seq_lengths"] is { } lengths ? row with { SequenceLengths = Ints(lengths) } : row;
    }

    private static int[] Ints(JsonNode list) => [.. list.AsArray().Select(item => (int)item!)];
}
