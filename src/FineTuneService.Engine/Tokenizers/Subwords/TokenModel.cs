using System.Text.Json;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Subwords;

/// <summary>A token inside a word: [Start, End) in UTF-16 units of the word.</summary>
internal readonly record struct WordToken(int Id, int Start, int End);

/// <summary>Cuts a word into tokens of its vocabulary. Safe to use from several threads.</summary>
internal abstract class TokenModel(Vocabulary vocabulary)
{
    public Vocabulary Vocabulary { get; } = vocabulary;

    /// <summary>Appends the word's tokens.</summary>
    public abstract void Tokenize(ReadOnlySpan<char> word, List<WordToken> tokens);

    /// <summary>
    /// UTF-16 units of the longest token; infinite where a run of unknown characters, however long, becomes one token or nothing.
    /// </summary>
    /// <param name="spelledInBytes">Words are spelled in <see cref="ByteAlphabet"/>.</param>
    public virtual double LongestKnown(bool spelledInBytes) => double.PositiveInfinity;

    /// <summary>A token of a word as an encoding shows it.</summary>
    public virtual string TextOf(WordToken token, ReadOnlySpan<char> word) => Vocabulary.TokenOf(token.Id)!;

    /// <summary>Reads tokenizer.json's "model".</summary>
    /// <exception cref="TokenizerException">A type that is not supported.</exception>
    public static TokenModel Read(JsonElement json) => TypeOf(json) switch
    {
        "BPE" => BpeModel.Read(json),
        "WordPiece" => WordPieceModel.Read(json),
        "Unigram" => UnigramModel.Read(json),
        "WordLevel" => WordLevelModel.Read(json),
        var type => throw TokenizerException.Unsupported("model", type),
    };

    // Old files leave the type out; the fields then tell it.
    private static string TypeOf(JsonElement json)
    {
        if (json.TryGetProperty("type", out var type)) return type.GetString() ?? "null";
        if (json.TryGetProperty("merges", out _)) return "BPE";
        if (json.TryGetProperty("max_input_chars_per_word", out _)) return "WordPiece";
        return json.GetProperty("vocab").ValueKind == JsonValueKind.Array ? "Unigram" : "WordLevel";
    }
}
