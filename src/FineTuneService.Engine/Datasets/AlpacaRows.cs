using System.Text.Json;

namespace FineTuneService.Engine.Datasets;

/// <summary>Rows with <c>instruction</c>, <c>input</c> and <c>output</c>.</summary>
internal static class AlpacaRows
{
    public static AlpacaRow Parse(RowJson row)
    {
        row.WarnOfUnknownKeys(row.Json, ["instruction", "input", "output"]);
        var hasInput = row.Json.TryGetProperty("input", out var input) && input.ValueKind != JsonValueKind.Null;
        var parsed = new AlpacaRow(row.Line, row.Text("instruction"), hasInput ? row.Text("input") : "", row.Text("output"));
        if (parsed.Instruction.Length == 0) row.Warn("'instruction' is empty.");
        // Stanford's own file has such rows.
        if (parsed.Output.Length == 0) row.Warn("'output' is empty: only the end of the text is learnt.");
        foreach (var text in (string[])[parsed.Instruction, parsed.Input, parsed.Output]) row.WarnOfText(text);
        return parsed;
    }
}
