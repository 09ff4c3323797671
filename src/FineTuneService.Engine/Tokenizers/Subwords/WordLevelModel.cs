using System.Text.Json;

namespace FineTuneService.Engine.Tokenizers.Subwords;

/// <summary>A word is one token, or the unknown token.</summary>
internal sealed class WordLevelModel(Vocabulary vocabulary, string unknownToken) : TokenModel(vocabulary)
{
    private readonly int _unknownId = vocabulary.IdOf(unknownToken);

    public override void Tokenize(ReadOnlySpan<char> word, List<WordToken> tokens)
    {
        var id = Vocabulary.IdOf(word);
        if (id < 0) id = _unknownId;
        if (id < 0) throw new TokenizerException($"The word '{word}' is not in the vocabulary, nor is the unknown token '{unknownToken}'.");
        tokens.Add(new WordToken(id, 0, word.Length));
    }

    public static new WordLevelModel Read(JsonElement json) =>
        new(Vocabulary.Read(json.GetProperty("vocab")), json.RequiredText("unk_token"));
}
