using System.Text.Json;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Tokenizers.Added;
using FineTuneService.Engine.Tokenizers.Decoders;
using FineTuneService.Engine.Tokenizers.Normalizers;
using FineTuneService.Engine.Tokenizers.PostProcessors;
using FineTuneService.Engine.Tokenizers.PreTokenizers;
using FineTuneService.Engine.Tokenizers.Subwords;

namespace FineTuneService.Engine.Tokenizers;

/// <summary>The parts of tokenizer.json. Its truncation and padding are left to whoever makes batches.</summary>
internal sealed record TokenizerFile(
    IReadOnlyList<AddedToken> AddedTokens, Normalizer? Normalizer, PreTokenizer? PreTokenizer, TokenModel Model,
    PostProcessor? PostProcessor, Decoder? Decoder)
{
    /// <exception cref="TokenizerException">Not a tokenizer, or a component that is not supported.</exception>
    public static TokenizerFile Parse(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            return new TokenizerFile(
                root.TryGetProperty("added_tokens", out var added) ? [.. added.EnumerateArray().Select(AddedToken.Read)] : [],
                Component(root, "normalizer", Normalizer.Read),
                Component(root, "pre_tokenizer", PreTokenizer.Read),
                TokenModel.Read(root.GetProperty("model")),
                Component(root, "post_processor", PostProcessor.Read),
                Component(root, "decoder", Decoder.Read));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IndexOutOfRangeException or OverflowException)
        {
            throw new TokenizerException($"tokenizer.json: not a tokenizer: {(e is JsonException broken ? JsonFault.Sentence(broken) : e.Message)}", e);
        }
    }

    private static T? Component<T>(JsonElement root, string name, Func<JsonElement, T> read)
        where T : class => root.TryGetProperty(name, out var json) && json.ValueKind != JsonValueKind.Null ? read(json) : null;
}
