using System.Text.Json;

namespace FineTuneService.Engine.Tokenizers.Added;

/// <summary>A token that a file beside tokenizer.json names. A flag that it leaves out is null.</summary>
internal sealed record TokenEntry(
    string Content, bool Special, bool? SingleWord = null, bool? StripLeft = null, bool? StripRight = null, bool? Normalized = null)
{
    /// <summary>Reads a text, or an added token written out as an object.</summary>
    /// <param name="special">What it is where it does not say so itself.</param>
    /// <exception cref="TokenizerException">Neither of them.</exception>
    public static TokenEntry Read(JsonElement? json, bool special)
    {
        if (json is { ValueKind: JsonValueKind.String } text) return new TokenEntry(text.GetString()!, special);
        if (json is { ValueKind: JsonValueKind.Object } token
            && token.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String)
        {
            return new TokenEntry(
                content.GetString()!, special || Flag("special") == true, Flag("single_word"), Flag("lstrip"), Flag("rstrip"), Flag("normalized"));
        }
        throw new TokenizerException($"{TokenizerConfig.FileName}: {json} is not a token; write a text, or an object with 'content'.");

        bool? Flag(string name) =>
            token.TryGetProperty(name, out var flag) && flag.ValueKind is JsonValueKind.True or JsonValueKind.False ? flag.GetBoolean() : null;
    }

    /// <summary>The token of tokenizer.json with this one's flags, where it gives any: every version of transformers lays them over.
    /// Llama 2's "&lt;/s&gt;" is found inside a text only with them.</summary>
    public AddedToken Over(AddedToken token) => token with
    {
        SingleWord = SingleWord ?? token.SingleWord,
        StripLeft = StripLeft ?? token.StripLeft,
        StripRight = StripRight ?? token.StripRight,
        Normalized = Normalized ?? token.Normalized,
        Special = Special || token.Special,
    };

    /// <summary>This as an added token; one that is not special is normalized, unless it says otherwise.</summary>
    public AddedToken ToToken(int id) => new(
        id, Content, SingleWord ?? false, StripLeft ?? false, StripRight ?? false, Normalized ?? !Special, Special);
}
