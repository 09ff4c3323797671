using System.Text.Json;
using FineTuneService.Engine.Tokenizers.Batches;

namespace FineTuneService.Engine.Tokenizers.PostProcessors;

/// <summary>Puts special tokens around the text's, after a template such as "[CLS] $A [SEP]".</summary>
/// <param name="template">Null stands for the text; anything else is a special token, which may stand for several ids.</param>
internal sealed class TemplatePostProcessor(IReadOnlyList<IReadOnlyList<(int Id, string Token)>?> template) : PostProcessor
{
    public IReadOnlyList<IReadOnlyList<(int Id, string Token)>?> Template => template;

    public override TokenSequence Process(TokenSequence tokens, bool addSpecialTokens)
    {
        if (!addSpecialTokens) return tokens;
        var output = new TokenSequence(tokens.Detailed);
        foreach (var part in template)
        {
            if (part is null) output.Add(tokens);
            else foreach (var (id, token) in part) output.Add(id, token, default, special: true);
        }

        return output;
    }

    /// <summary>What stands around two texts, and type ids; of a template that was made here, the plain one twice.</summary>
    private PairTemplate? Pairs { get; init; }

    public override IReadOnlyList<TextPart> Process(IReadOnlyList<TextPart> texts, bool addSpecialTokens) => Pairs?.Apply(texts, addSpecialTokens) ?? texts;

    public override int Added(int texts) => Pairs?.Added(texts) ?? 0;

    /// <summary>One token before the text and one behind it, each as [token, id]; BERT's second text is of type 1, RoBERTa's begins with one more.</summary>
    public static TemplatePostProcessor Around(JsonElement before, JsonElement behind, bool isRoberta)
    {
        TemplatePart begin = new(null, 0, [Token(before)]), end = new(null, 0, [Token(behind)]), first = new(0, 0, []);
        int second = isRoberta ? 0 : 1;
        TemplatePart[] pair = [begin, first, end, .. isRoberta ? [end] : (TemplatePart[])[], new(1, second, []), end with { Type = second }];
        return new TemplatePostProcessor([[Token(before)], null, [Token(behind)]]) { Pairs = new PairTemplate([begin, first, end], pair) };

        static (int, string) Token(JsonElement json) => (json[1].GetInt32(), json[0].GetString()!);
    }

    public static new TemplatePostProcessor Read(JsonElement json)
    {
        var specials = json.GetProperty("special_tokens");
        return new TemplatePostProcessor([.. json.GetProperty("single").EnumerateArray().Select(Part)])
        {
            Pairs = new PairTemplate(Typed(json.GetProperty("single")), json.TryGetProperty("pair", out var pair) && pair.ValueKind == JsonValueKind.Array ? Typed(pair) : []),
        };

        List<TemplatePart> Typed(JsonElement parts) => [.. parts.EnumerateArray().Select(part =>
        {
            bool isText = part.TryGetProperty("Sequence", out var sequence);
            var piece = isText ? sequence : part.GetProperty("SpecialToken");
            return new TemplatePart(isText ? sequence.GetProperty("id").GetString() == "A" ? 0 : 1 : null, piece.Number("type_id", absent: 0), isText ? [] : Tokens(piece));
        })];

        IReadOnlyList<(int, string)>? Part(JsonElement part)
        {
            if (part.TryGetProperty("Sequence", out var sequence))
                return sequence.GetProperty("id").GetString() == "A"
                    ? null
                    : throw TokenizerException.Unsupported("template part", sequence.GetRawText());
            return Tokens(part.GetProperty("SpecialToken"));
        }

        List<(int, string)> Tokens(JsonElement piece)
        {
            var name = piece.RequiredText("id");
            if (!specials.TryGetProperty(name, out var special))
                throw new TokenizerException($"tokenizer.json: the template's special token '{name}' is not defined.");
            var ids = special.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32());
            var tokens = special.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!);
            return [.. ids.Zip(tokens)];
        }
    }
}
