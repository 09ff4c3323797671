using System.Text.Json;

namespace FineTuneService.Engine.Datasets;

/// <summary>Rows of any columns: a prompt template makes the prompt of them, and one column is the answer.</summary>
internal static class TemplateRows
{
    public static CompletionRow Parse(RowJson row, DatasetColumns columns)
    {
        var template = columns.Template!;
        var prompt = template.Render(place => Value(row, columns, place));
        return CompletionRows.Of(row, prompt, Answer(row, columns) + template.Behind);
    }

    private static string Value(RowJson row, DatasetColumns columns, string place)
    {
        var column = columns.Of(place);
        if (!row.Json.TryGetProperty(column, out var value))
        {
            // A template of two texts has one for rows without an input.
            if (place == "input" && columns.Template!.WithInput != columns.Template.WithoutInput) return "";
            throw row.Error($"the row has no '{Clip.To(column, 40)}', which the prompt template has a place for.");
        }
        return value.ValueKind switch
        {
            JsonValueKind.Null => "",
            JsonValueKind.Array or JsonValueKind.Object => throw row.Error($"'{Clip.To(column, 40)}' is {RowJson.Kind(value)}; a place of the prompt template takes a text or a number."),
            _ => value.ToString(),
        };
    }

    private static string Answer(RowJson row, DatasetColumns columns)
    {
        var named = columns.Names.GetValueOrDefault("completion");
        var column = named ?? DatasetColumns.Answers.FirstOrDefault(row.Has);
        if (column is null || !row.Has(column))
        {
            throw row.Error(named is null
                ? $"the row has no answer ({string.Join(", ", DatasetColumns.Answers)}); name its column in dataset.columns as 'completion'."
                : $"the row has no '{Clip.To(named, 40)}', the column of the answer.");
        }
        var value = row.Json.GetProperty(column);
        var answer = value.ValueKind is JsonValueKind.Array or JsonValueKind.Object ? throw row.Error($"'{Clip.To(column, 40)}' is {RowJson.Kind(value)}, not a text.") : value.ToString();
        return answer.Length > 0 ? answer : throw row.Error($"'{Clip.To(column, 40)}' is empty: there is nothing to learn.");
    }
}
