using System.Text.Json;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Tokenizers.Batches;
using FineTuneService.Engine.Tokenizers.PostProcessors;

namespace FineTuneService.Engine.Tokenizers;

/// <summary>
/// Encodes texts, or pairs of texts, together as tokenizer.json's truncation and padding say. Training and serving do neither: they know
/// better how long a row may be, and tokenizers in the field carry what their last user had set.
/// </summary>
public sealed class BatchEncoder
{
    private readonly Tokenizer _tokenizer;
    private readonly PostProcessor? _postProcessor;
    private readonly TruncationRule? _truncation;
    private readonly PaddingRule? _padding;

    private BatchEncoder(Tokenizer tokenizer, PostProcessor? postProcessor, TruncationRule? truncation, PaddingRule? padding) =>
        (_tokenizer, _postProcessor, _truncation, _padding) = (tokenizer, postProcessor, truncation, padding);

    /// <param name="tokenizerJson">The text of tokenizer.json.</param>
    /// <exception cref="TokenizerException">A broken file, or a component that is not supported.</exception>
    public static BatchEncoder Parse(string tokenizerJson)
    {
        try
        {
            using var document = JsonDocument.Parse(tokenizerJson);
            TokenizerFile file = TokenizerFile.Parse(tokenizerJson);
            return new BatchEncoder(Tokenizer.Parse(tokenizerJson), file.PostProcessor, Rule(document, "truncation", TruncationRule.Read), Rule(document, "padding", PaddingRule.Read));
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new TokenizerException($"tokenizer.json: not a tokenizer: {(broken is JsonException json ? JsonFault.Sentence(json) : broken.Message)}", broken);
        }
    }

    /// <param name="texts">Each alone, or with a second one.</param>
    /// <exception cref="TokenizerException">A text cannot be cut as the truncation says.</exception>
    public IReadOnlyList<BatchEncoding> Encode(IReadOnlyList<(string Text, string? Pair)> texts, bool addSpecialTokens)
    {
        List<TextPart> encoded = [.. texts.Select(text => One(text.Text, text.Pair, addSpecialTokens))];
        _padding?.Apply(encoded);
        return [.. encoded.Select(text => text.ToEncoding())];
    }

    private TextPart One(string text, string? pair, bool addSpecialTokens)
    {
        List<TextPart> parts = [TextPart.Of(_tokenizer.Pieces(text), 0)];
        if (pair is not null) parts.Add(TextPart.Of(_tokenizer.Pieces(pair), 1));
        _truncation?.Apply(parts, addSpecialTokens ? _postProcessor?.Added(parts.Count) ?? 0 : 0);
        IReadOnlyList<TextPart> processed = _postProcessor?.Process(parts, addSpecialTokens) ?? parts;
        return processed.Count == 0 ? TextPart.Special([], 0) : processed.Aggregate((before, behind) => before.Joined(behind));
    }

    private static T? Rule<T>(JsonDocument document, string name, Func<JsonElement, T> read)
        where T : class => document.RootElement.TryGetProperty(name, out JsonElement json) && json.ValueKind != JsonValueKind.Null ? read(json) : null;
}
