using System.Text.Json;

namespace FineTuneService.Engine.Tokenizers.Batches;

/// <summary>tokenizer.json's "padding".</summary>
/// <param name="Length">Null: that of the longest text of a batch.</param>
/// <param name="MultipleOf">0: any length.</param>
internal sealed record PaddingRule(int? Length, int MultipleOf, int Id, int Type, string Token, bool Left)
{
    /// <summary>Tokens of the longest padding: a file may ask for any number.</summary>
    private const int Most = 1 << 24;

    public static PaddingRule Read(JsonElement json)
    {
        JsonElement strategy = json.GetProperty("strategy");
        int? length = strategy.ValueKind == JsonValueKind.Object ? strategy.GetProperty("Fixed").GetInt32() : null;
        int multiple = json.TryGetProperty("pad_to_multiple_of", out JsonElement given) && given.ValueKind == JsonValueKind.Number ? given.GetInt32() : 0;
        if (length is < 0 or > Most || multiple is < 0 or > Most) throw new TokenizerException("tokenizer.json: the padding's length is out of range.");
        return new PaddingRule(length, multiple, json.Number("pad_id", absent: 0), json.Number("pad_type_id", absent: 0), json.Text("pad_token") ?? "[PAD]", json.Text("direction") == "Left");
    }

    public void Apply(IReadOnlyList<TextPart> texts)
    {
        int length = Length ?? texts.Select(text => text.Length).DefaultIfEmpty().Max();
        if (MultipleOf > 0) length = (length + MultipleOf - 1) / MultipleOf * MultipleOf;
        foreach (TextPart text in texts) text.Pad(length, Id, Type, Token, Left);
    }
}
