using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Validation;

/// <summary>A row as the model is trained on it, for a person to look at.</summary>
internal static class RowExample
{
    /// <param name="cut">Tokens that the row has lost.</param>
    public static ExampleBody Of(int line, ExplainedRow row, int cut, Tokenizer tokenizer) => new(
        line, tokenizer.Decode(row.Row.Ids, skipSpecialTokens: false), cut, [.. row.Row.Ids.Zip(row.Reasons, (id, why) => new ExampleToken(id, Text(id, tokenizer), CarriesLoss(why), why))],
        row.Rejected is null ? null : Of(line, row.Rejected, 0, tokenizer));

    private static bool CarriesLoss(TokenReason why) => why is TokenReason.Answer or TokenReason.End or TokenReason.Text;

    private static string Text(int id, Tokenizer tokenizer) =>
        !tokenizer.IsSpecial(id) && tokenizer.BytesOf(id) is { } bytes ? System.Text.Encoding.UTF8.GetString(bytes) : tokenizer.TokenOf(id) ?? "";
}
