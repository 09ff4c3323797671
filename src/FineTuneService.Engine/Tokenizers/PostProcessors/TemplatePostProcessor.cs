using System.Text.Json;

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

    /// <summary>One token before the text and one behind it, each as [token, id].</summary>
    public static TemplatePostProcessor Around(JsonElement before, JsonElement behind)
    {
        return new TemplatePostProcessor([[Token(before)], null, [Token(behind)]]);

        static (int, string) Token(JsonElement json) => (json[1].GetInt32(), json[0].GetString()!);
    }

    public static new TemplatePostProcessor Read(JsonElement json)
    {
        var specials = json.GetProperty("special_tokens");
        return new TemplatePostProcessor([.. json.GetProperty("single").EnumerateArray().Select(Part)]);

        IReadOnlyList<(int, string)>? Part(JsonElement part)
        {
            if (part.TryGetProperty("Sequence", out var sequence))
                return sequence.GetProperty("id").GetString() == "A"
                    ? null
                    : throw TokenizerException.Unsupported("template part", sequence.GetRawText());
            var name = part.GetProperty("SpecialToken").RequiredText("id");
            if (!specials.TryGetProperty(name, out var special))
                throw new TokenizerException($"tokenizer.json: the template's special token '{name}' is not defined.");
            var ids = special.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32());
            var tokens = special.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!);
            return [.. ids.Zip(tokens)];
        }
    }
}
