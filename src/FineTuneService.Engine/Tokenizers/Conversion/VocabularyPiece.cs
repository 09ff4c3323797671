namespace FineTuneService.Engine.Tokenizers.Conversion;

/// <summary>What a token of a sentencepiece model or a GGUF vocabulary is; both use these numbers.</summary>
internal enum PieceKind
{
    Normal = 1,
    Unknown = 2,

    /// <summary>Made by templates, never by text.</summary>
    Control = 3,

    /// <summary>Looked for in the text before anything is cut.</summary>
    UserDefined = 4,
    Unused = 5,

    /// <summary>&lt;0xNN&gt;: a byte of a character that the vocabulary has not.</summary>
    Byte = 6,
}

/// <summary>A token; its place in the list is its id.</summary>
/// <param name="Score">The greater, the earlier it is joined (BPE), or its log-probability (unigram).</param>
internal readonly record struct VocabularyPiece(string Text, double Score, PieceKind Kind);
