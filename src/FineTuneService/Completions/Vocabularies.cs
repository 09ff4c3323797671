using System.Runtime.CompilerServices;
using FineTuneService.Engine.Generation.Schemas;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Completions;

/// <summary>Tokenizers' vocabularies, made ready for schemas when the first is asked for; they go when their tokenizer does.</summary>
internal static class Vocabularies
{
    private static readonly ConditionalWeakTable<Tokenizer, Lazy<TokenVocabulary?>> Known = new();

    /// <returns>Null where the tokenizer's decoder looks at more than one token at a time.</returns>
    public static TokenVocabulary? Of(Tokenizer tokenizer) => Known.GetValue(tokenizer, key => new Lazy<TokenVocabulary?>(() => TokenVocabulary.Of(key))).Value;
}
