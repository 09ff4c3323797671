namespace FineTuneService.Engine.Datasets;

/// <summary>Rows with a <c>text</c> that is learnt as a whole.</summary>
internal static class TextRows
{
    public static TextRow Parse(RowJson row)
    {
        row.WarnOfUnknownKeys(row.Json, ["text"]);
        var text = row.Text("text");
        if (text.Length == 0) throw row.Error("'text' is empty: there is nothing to learn.");
        if (string.IsNullOrWhiteSpace(text)) row.Warn("'text' is only blanks.");
        row.WarnOfText(text);
        return new TextRow(row.Line, text);
    }
}
