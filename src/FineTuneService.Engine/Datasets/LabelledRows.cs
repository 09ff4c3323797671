using System.Text.Json;

namespace FineTuneService.Engine.Datasets;

/// <summary>Rows with a <c>label</c>: whether the answer is wanted. The answer is written as in rows without one.</summary>
internal static class LabelledRows
{
    public static LabelledRow Parse(RowJson row)
    {
        var label = row.Require("label");
        if (label.ValueKind is not (JsonValueKind.True or JsonValueKind.False)) throw row.Error($"'label' is {RowJson.Kind(label)}, not true or false.");
        var plain = row.Without("label");
        return new LabelledRow(row.Line, plain.Has("messages") ? ChatRows.Parse(plain) : CompletionRows.Parse(plain), label.GetBoolean());
    }
}
