using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tests.Chat;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>Tokens of every row of the reference's data sets, in every format, and what they come to.</summary>
public class GoldenTokenStatsTests
{
    private static JsonNode File => GoldenChat.Read("golden", "data", "token-stats.json");

    /// <summary>A file is several cases; a class's run one after the other.</summary>
    private static readonly Dictionary<string, IReadOnlyList<DatasetRow>> Files = [];
    private static readonly Dictionary<string, Tokenizer> Tokenizers = [];

    public static TheoryData<int> Cases() => Shared.Present ? [.. Enumerable.Range(0, File["cases"]!.AsArray().Count)] : [-1];

    [Theory, MemberData(nameof(Cases))]
    public void Statistics_GoldenDataset_AreEqual(int index)
    {
        JsonNode @case = File["cases"]!.AsArray()[index]!;
        string path = Shared.Path((string)@case["file"]!), format = (string)@case["format"]!, what = (string)@case["what"]!;
        int[] counts = [.. Counts(Rows(path, format), what, Shared.Path("tokenizers", (string)@case["tokenizer"]!))];
        Assert.Equal(Ints(@case["first_20"]!), counts.Take(20));
        Assert.Equal((string)@case["sha256_int32le_of_counts"]!, Sha256(counts));
        var statistics = new TokenStatistics(counts);
        Assert.Equal(((int)@case["rows"]!, (long)@case["sum"]!, (int)@case["min"]!, (int)@case["max"]!), (statistics.Rows, statistics.Sum, statistics.Min, statistics.Max));
        Close(@case["mean"]!, statistics.Mean);
        Close(@case["std_population"]!, statistics.StandardDeviation);
        Each(@case["percentiles_linear"]!, (percent, value) => Close(value, statistics.Percentile(percent)));
        Each(@case["percentiles_nearest_rank"]!, (percent, value) => Assert.Equal((int)value, statistics.NearestRank(percent)));
        Assert.Equal(Ints(@case["histogram"]!), statistics.Histogram(Ints(@case["histogram_edges"]!)));
        Each(@case["rows_over"]!, (tokens, value) => Assert.Equal((int)value, statistics.Over(tokens)));
        Each(@case["tokens_kept_at_max_length"]!, (tokens, value) => Assert.Equal((long)value, statistics.Kept(tokens)));
        Fidelity.Passed("data", $"tokens {@case["file"]} {format} {@case["tokenizer"]} {what}", $"{counts.Length} rows equal");
    }

    private static IReadOnlyList<DatasetRow> Rows(string path, string format)
    {
        if (Files.TryGetValue(path, out var read)) return read;
        string text = System.IO.File.ReadAllText(path);
        if (format == "gsm8k") text = string.Join('\n', text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => AsChat(JsonNode.Parse(line)!)));
        var dataset = Dataset.Read(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text)));
        Assert.True(dataset.Problems.Count == 0, string.Join('\n', dataset.Problems));
        return Files[path] = dataset.Rows;
    }

    private static string AsChat(JsonNode row) => new JsonObject
    {
        ["messages"] = new JsonArray(
            new JsonObject { ["role"] = "user", ["content"] = (string)row["question"]! }, new JsonObject { ["role"] = "assistant", ["content"] = (string)row["answer"]! }),
    }.ToJsonString();

    private static IEnumerable<int> Counts(IEnumerable<DatasetRow> rows, string what, string folder)
    {
        if (!Tokenizers.TryGetValue(folder, out var tokenizer)) Tokenizers[folder] = tokenizer = Tokenizer.Load(folder);
        if (what == "prompt") return rows.Select(row => tokenizer.Encode(Prompt(row), addSpecialTokens: true).Length);
        // gpt2's folder names no end of text.
        var encoder = new RowEncoder(tokenizer, ChatTemplate.Load(folder), int.MaxValue, tokenizer.EosId ?? tokenizer.Encode("<|endoftext|>")[0]) { LossOn = LossOn.All };
        return encoder.Encode(rows.Select(row => Encoded(row, what))).Rows.Select(row => row.Ids.Length);
    }

    private static string Prompt(DatasetRow row) => row switch
    {
        AlpacaRow alpaca => alpaca.Prompt.Render(alpaca.Instruction, alpaca.Input),
        CompletionRow completion => completion.Prompt,
        _ => throw new InvalidOperationException(row.GetType().Name),
    };

    private static DatasetRow Encoded(DatasetRow row, string what) => (row, what) switch
    {
        (PreferenceRow pair, "chosen") => pair.Chosen,
        (PreferenceRow pair, "rejected") => pair.Rejected,
        (ChatRow chat, "total_without_tools") => chat with { Tools = null },
        (LabelledRow labelled, _) => labelled.Row,
        _ => row,
    };

    private static void Each(JsonNode values, Action<int, JsonNode> check)
    {
        foreach (var (name, value) in values.AsObject()) check(int.Parse(name, CultureInfo.InvariantCulture), value!);
    }

    private static void Close(JsonNode expected, double actual) => Assert.Equal((double)expected, actual, 1e-9 * Math.Abs((double)expected));

    private static string Sha256(int[] counts)
    {
        var bytes = new byte[counts.Length * sizeof(int)];
        Buffer.BlockCopy(counts, 0, bytes, 0, bytes.Length);
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    private static int[] Ints(JsonNode list) => [.. list.AsArray().Select(item => (int)item!)];
}
