using System.Security.Cryptography;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tests.Chat;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>Which rows go into which packed row, against TRL's pack_dataset and the batches of its collator.</summary>
public class GoldenPackingTests
{
    public static TheoryData<int> Cases() =>
        Shared.Present ? [.. Enumerable.Range(0, GoldenChat.Read("golden", "data", "packing.json")["cases"]!.AsArray().Count)] : [-1];

    [Theory, MemberData(nameof(Cases))]
    public void Pack_GoldenCase_EqualsTrl(int index)
    {
        var @case = GoldenChat.Read("golden", "data", "packing.json")["cases"]!.AsArray()[index]!;
        int[] lengths = Ints(@case["lengths"]!);
        string strategy = (string)@case["strategy"]!;
        string label = $"packing {index} {strategy} {lengths.Length} rows into {@case["seq_length"]}";
        // The file's rule: token j of row i is 1000i + j, and the first label of each row is none.
        TrainingRow[] rows = [.. lengths.Select((length, i) => new TrainingRow(
            [.. Enumerable.Range(1000 * i, length)], [.. Enumerable.Range(1000 * i, length).Select((id, j) => j == 0 ? TrainingRow.Ignored : id)]))];
        if (@case["error"] is not null)
        {
            Assert.ThrowsAny<ArgumentException>(() => Packing.Pack(rows, (int)@case["seq_length"]!, Strategy(strategy)));
            Fidelity.Passed("data", label, "refused by both");
            return;
        }
        // TRL leaves a row of no tokens where the whole batch had none; here there is nothing to train on, and so no row.
        IReadOnlyList<TrainingRow> packed = Packing.Pack(rows, (int)@case["seq_length"]!, Strategy(strategy));
        Assert.Equal(Ints(@case["out_lengths"]!).Where(length => length > 0), packed.Select(row => row.Ids.Length));
        Assert.Equal((string)@case["sha256_int32le_of_all_ids"]!, Sha256([.. packed.SelectMany(row => row.Ids)]));
        if (@case["seq_lengths"] is JsonArray sequences)
            Assert.Equal(Shown(sequences.Select(row => Ints(row!)).Where(row => row.Length > 0)), Shown(packed.Select(row => row.SequenceLengths.ToArray())));
        if (@case["labels"] is JsonArray labels)
            Assert.Equal(Shown(labels.Select(row => Ints(row!)).Where(row => row.Length > 0)), Shown(packed.Select(row => row.Labels)));
        if (@case["collated_padding_free"] is { } batch) CheckBatch(batch, packed);
        Fidelity.Passed("data", label, $"{packed.Count} packed rows equal");
    }

    /// <summary>The collator joins the packed rows into one: positions begin anew with each sequence, and its first label does not count.</summary>
    private static void CheckBatch(JsonNode batch, IReadOnlyList<TrainingRow> packed)
    {
        TrainingRow joined = Packing.Join(packed);
        Assert.Equal(Ints(batch["input_ids"]![0]!), joined.Ids);
        Assert.Equal(Ints(batch["labels"]![0]!), joined.Labels);
        Assert.Equal(Ints(batch["position_ids"]![0]!), joined.Positions());
        Assert.Equal<int>(Ints(batch["cu_seq_lens_q"]!), (int[])[0, .. joined.SequenceLengths.Select((_, i) => joined.SequenceLengths.Take(i + 1).Sum())]);
        Assert.Equal((int)batch["max_length_q"]!, joined.SequenceLengths.Max());
        Assert.Equal(Ints(batch["seq_idx"]![0]!), joined.SequenceLengths.SelectMany((length, i) => Enumerable.Repeat(i, length)));
    }

    internal static PackingStrategy Strategy(string name) => name switch
    {
        "bfd" => PackingStrategy.BestFit,
        "bfd_split" => PackingStrategy.BestFitSplit,
        "wrapped" => PackingStrategy.Wrapped,
        _ => throw new InvalidOperationException($"unknown strategy {name}"),
    };

    private static string Shown(IEnumerable<int[]> rows) => string.Join('\n', rows.Select(row => string.Join(' ', row)));

    private static int[] Ints(JsonNode list) => [.. list.AsArray().Select(item => (int)item!)];

    private static string Sha256(int[] ids)
    {
        var bytes = new byte[ids.Length * sizeof(int)];
        Buffer.BlockCopy(ids, 0, bytes, 0, bytes.Length);
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }
}
