namespace FineTuneService.Engine.Generation.Schemas;

/// <summary>What an answer is held to, on a model of some vocabulary. Answers to one request share it; all are drawn on one thread.</summary>
public sealed record OutputSchema(SchemaGrammar Grammar, TokenVocabulary Vocabulary)
{
    /// <param name="ends">Tokens that end a text.</param>
    internal SchemaSession Begin(IReadOnlyCollection<int> ends) => new(Grammar, Vocabulary, [.. ends]);
}
