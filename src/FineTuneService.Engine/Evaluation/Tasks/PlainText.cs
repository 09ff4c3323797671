namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>Perplexity of whole texts, as the harness's rolling tasks have it: a text file, or JSON rows with a text each.</summary>
internal static class PlainText
{
    private static readonly MetricRule[] Rules =
    [
        new PerplexityBy("token_perplexity", "tokens"), new PerplexityBy("word_perplexity", "words"), new PerplexityBy("byte_perplexity", "bytes"),
        new BitsBy("bits_per_byte", "bytes"), new SumOf("tokens"),
    ];

    public static HarnessTask? Find(string name) => name == "perplexity" ? new HarnessTask(name, "perplexity.txt", ShotsPath: null, DefaultShots: 0, Rules, Items) : null;

    private static IEnumerable<TaskItem> Items(TaskInputs inputs)
    {
        if (inputs.Data.IsJson) return inputs.Data.Objects(inputs.Limit, row => new RollingItem(row.Text("text") is { Length: > 0 } text ? text : throw row.Error("'text' is empty.")));
        string whole = inputs.Data.Text();
        return whole.Length == 0 ? [] : [new RollingItem(whole)];
    }
}
