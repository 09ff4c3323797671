using System.Text.Json;
using FineTuneService.Engine.Tokenizers.Added;

namespace FineTuneService.Engine.Tokenizers;

/// <summary>What tokenizer_config.json adds to tokenizer.json: which tokens begin, end and pad, and newer flags of added tokens.</summary>
internal sealed record TokenizerConfig(string? Bos, string? Eos, string? Pad, string? Unknown, Dictionary<int, JsonElement> AddedTokens)
{
    public static TokenizerConfig Empty { get; } = new(null, null, null, null, []);

    public static TokenizerConfig Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        var added = new Dictionary<int, JsonElement>();
        if (root.TryGetProperty("added_tokens_decoder", out var decoder))
            foreach (var entry in decoder.EnumerateObject())
                if (int.TryParse(entry.Name, out var id)) added[id] = entry.Value.Clone();
        return new TokenizerConfig(Token("bos_token"), Token("eos_token"), Token("pad_token"), Token("unk_token"), added);

        // A text, or an added token written out as an object.
        string? Token(string name) => root.TryGetProperty(name, out var value)
            ? value.ValueKind == JsonValueKind.Object ? value.Text("content") : value.GetString()
            : null;
    }

    /// <summary>
    /// The token with this file's flags. Every version of transformers lays them over tokenizer.json's: Llama 2's "&lt;/s&gt;" is
    /// found inside a text only with them.
    /// </summary>
    public AddedToken Overlay(AddedToken token) =>
        AddedTokens.TryGetValue(token.Id, out var entry) && entry.Text("content") == token.Content ? token.Overlaid(entry) : token;
}
