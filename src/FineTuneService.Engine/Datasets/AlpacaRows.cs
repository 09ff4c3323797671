using System.Text.Json;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <summary>Rows with <c>instruction</c>, <c>input</c> and <c>output</c> (Stanford's), or <c>instruction</c>, <c>context</c> and <c>response</c> (Dolly).</summary>
internal static class AlpacaRows
{
    public static AlpacaRow Parse(RowJson row)
    {
        row.WarnOfUnknownKeys(row.Json, ["instruction", "input", "output", "system", "history"]);
        foreach (var key in (string[])["system", "history"])
            if (IsGiven(row, key)) throw NoPlace(row, key);
        return Of(row, "input", "output", PromptTemplate.Alpaca);
    }

    public static AlpacaRow ParseDolly(RowJson row)
    {
        row.WarnOfUnknownKeys(row.Json, ["instruction", "context", "response", "category"]);
        return Of(row, "context", "response", PromptTemplate.Dolly);
    }

    private static AlpacaRow Of(RowJson row, string input, string output, PromptTemplate template)
    {
        var parsed = new AlpacaRow(row.Line, row.Text("instruction"), row.OptionalText(input), row.Text(output)) { Prompt = template };
        if (parsed.Instruction.Length == 0) row.Warn("'instruction' is empty.");
        // Stanford's own file has such rows.
        if (parsed.Output.Length == 0) row.Warn($"'{output}' is empty: only the end of the text is learnt.");
        foreach (var text in (string[])[parsed.Instruction, parsed.Input, parsed.Output]) row.WarnOfText(text);
        return parsed;
    }

    /// <summary>LLaMA-Factory writes both into every row, mostly empty.</summary>
    private static bool IsGiven(RowJson row, string key) =>
        RowJson.Value(row.Json, key) is { } value && !(value.ValueKind == JsonValueKind.String && value.ValueEquals(""u8));

    private static DatasetException NoPlace(RowJson row, string key) => new(
        row.Line, $"'{key}' of Alpaca rows is not supported, since Stanford's prompt has no place for it; write such rows as chat messages.", $"'{key}' of Alpaca rows");
}
