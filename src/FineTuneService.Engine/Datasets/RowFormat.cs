using System.Text.Json;

namespace FineTuneService.Engine.Datasets;

/// <summary>A format that rows are written in.</summary>
/// <param name="Is">Whether a row's keys are those of the format. A key without a value says nothing: exports write one for every column that any row has.</param>
/// <param name="Columns">Of files of columns (CSV), those that it needs; none where such a row cannot be written in columns.</param>
internal sealed record RowFormat(DatasetFormat Format, Func<RowJson, bool> Is, Func<RowJson, DatasetRow> Parse, params string[] Columns)
{
    /// <summary>In the order in which they are asked: datasets of pairs often have <c>messages</c> beside them.</summary>
    public static IReadOnlyList<RowFormat> All { get; } =
    [
        new(DatasetFormat.Preference, PreferenceRows.Is, PreferenceRows.Parse, "chosen", "rejected"),
        new(DatasetFormat.Labelled, IsLabelled, LabelledRows.Parse),
        new(DatasetFormat.Chat, row => row.Has("messages"), ChatRows.Parse),
        new(DatasetFormat.PromptCompletion, row => row.Has("prompt") || row.Has("completion"), CompletionRows.Parse, "prompt", "completion"),
        new(DatasetFormat.ShareGpt, row => row.Has("conversations"), ShareGptRows.Parse),
        new(DatasetFormat.Dolly, row => row.Has("instruction") && row.Has("response"), AlpacaRows.ParseDolly, "instruction", "response"),
        new(DatasetFormat.Alpaca, row => row.Has("instruction"), AlpacaRows.Parse, "instruction", "output"),
        new(DatasetFormat.Text, row => row.Has("text"), TextRows.Parse, "text"),
    ];

    /// <summary>What a row needs, for messages.</summary>
    public const string Names = "'messages', nor 'prompt' and 'completion', nor 'instruction' and 'output' (or 'response'), nor 'conversations', nor 'chosen' and 'rejected', nor 'text'";

    /// <returns>Null where the row's keys are no format's.</returns>
    public static RowFormat? Of(RowJson row) =>
        All.FirstOrDefault(format => format.Is(row)) ?? (row.Json.TryGetProperty("messages", out _) ? Of(DatasetFormat.Chat) : null);

    public static RowFormat Of(DatasetFormat format) => All.First(one => one.Format == format);

    /// <summary>A label beside messages may be anything (a topic); beside a completion it is KTO's.</summary>
    private static bool IsLabelled(RowJson row) => row.Has("label")
        && (row.Has("completion") || (row.Has("messages") && row.Json.GetProperty("label").ValueKind is JsonValueKind.True or JsonValueKind.False));
}
