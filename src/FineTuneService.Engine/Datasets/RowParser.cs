using System.Text.Json;

namespace FineTuneService.Engine.Datasets;

/// <summary>Makes rows of JSON objects. The first row whose keys are known decides the format of all.</summary>
internal sealed class RowParser(WarningList warnings, ProblemList problems)
{
    public DatasetFormat? Format { get; private set; }

    /// <returns>Null where the row is no good, which is then a problem.</returns>
    public DatasetRow? Parse(RowPlace place, JsonElement json)
    {
        try
        {
            return ParseRow(new RowJson(place, json, warnings));
        }
        catch (DatasetException refused)
        {
            problems.Add(refused.Problem, refused.Kind);
            return null;
        }
    }

    private DatasetRow ParseRow(RowJson row)
    {
        row.Check();
        var format = FormatOf(row);
        if (format is { } found && Format is { } whole && found != whole)
            throw row.Error($"a {found.Name()} row in a {whole.Name()} file; all rows of a file have one format.");
        Format ??= format;
        return Format switch
        {
            DatasetFormat.Chat => ChatRows.Parse(row),
            DatasetFormat.PromptCompletion => CompletionRows.Parse(row),
            DatasetFormat.Alpaca => AlpacaRows.Parse(row),
            _ => throw row.Error("the row has neither 'messages', nor 'prompt' and 'completion', nor 'instruction' and 'output'."),
        };
    }

    /// <summary>A key without a value says nothing: exports write one for every column that any row has.</summary>
    private static DatasetFormat? FormatOf(RowJson row)
    {
        if (row.Has("messages")) return DatasetFormat.Chat;
        if (row.Has("chosen") || row.Has("rejected")) throw row.Unsupported("the preference format (chosen, rejected)");
        if (row.Has("label") && row.Has("completion")) throw row.Unsupported("the KTO format (prompt, completion, label)");
        if (row.Has("prompt") || row.Has("completion")) return DatasetFormat.PromptCompletion;
        if (row.Has("conversations")) throw row.Unsupported("the ShareGPT format (conversations)");
        if (row.Has("instruction") && row.Has("response"))
            throw row.Unsupported("the Dolly format (instruction, context, response)");
        if (row.Has("instruction")) return DatasetFormat.Alpaca;
        if (row.Has("text")) throw row.Unsupported("the plain text format (text)");
        return row.Json.TryGetProperty("messages", out _) ? DatasetFormat.Chat : null;
    }
}
