namespace FineTuneService.Engine.Tokenizers.Conversion;

/// <summary>
/// What a tokenizer.model says: sentencepiece's ModelProto (https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto),
/// with that file's defaults.
/// </summary>
/// <param name="Pieces">By id.</param>
/// <param name="IsUnigram">Else it is BPE.</param>
/// <param name="CharsMap">Compiled normalization rules; empty for none.</param>
internal sealed record SentencePieceFile(
    IReadOnlyList<VocabularyPiece> Pieces, bool IsUnigram, bool ByteFallback, int UnknownId, int BosId, int EosId, int PadId, byte[] CharsMap, bool AddDummyPrefix, bool RemoveExtraWhitespaces)
{
    private const int MostPieces = 1 << 21;

    /// <exception cref="TokenizerException">It is damaged, or asks for what is not supported.</exception>
    public static SentencePieceFile Read(ReadOnlySpan<byte> bytes)
    {
        var pieces = new List<VocabularyPiece>();
        ReadOnlySpan<byte> trainer = default, normalizer = default;
        for (var fields = new ProtobufFields(bytes); fields.Next();)
        {
            if (fields.Number == 1) pieces.Add(Piece(fields.Bytes));
            else if (fields.Number == 2) trainer = fields.Bytes;
            else if (fields.Number == 3) normalizer = fields.Bytes;
            if (pieces.Count > MostPieces) throw Refuse($"it has more than {MostPieces} pieces");
        }
        if (pieces.Count == 0) throw Refuse("it has no pieces");
        return Settings(trainer, normalizer, pieces);
    }

    private static VocabularyPiece Piece(ReadOnlySpan<byte> message)
    {
        (string text, float score, ulong kind) = ("", 0, 1);
        for (var fields = new ProtobufFields(message); fields.Next();)
        {
            if (fields.Number == 1) text = System.Text.Encoding.UTF8.GetString(fields.Bytes);
            else if (fields.Number == 2) score = fields.Single;
            else if (fields.Number == 3) kind = fields.Value;
        }
        if (kind is < 1 or > 6 || !float.IsFinite(score)) throw Refuse($"its piece '{text}' has the type {kind} and the score {score}");
        return new VocabularyPiece(text, score, (PieceKind)kind);
    }

    private static SentencePieceFile Settings(ReadOnlySpan<byte> trainer, ReadOnlySpan<byte> normalizer, List<VocabularyPiece> pieces)
    {
        (ulong model, bool byteFallback, int unknown, int bos, int eos, int pad) = (1, false, 0, 1, 2, -1);
        for (var fields = new ProtobufFields(trainer); fields.Next();)
        {
            if (fields.Number == 3) model = fields.Value;
            else if (fields.Number == 24 && fields.Value != 0) throw Refuse("treat_whitespace_as_suffix is not supported");
            else if (fields.Number == 35) byteFallback = fields.Value != 0;
            else if (fields.Number == 40) unknown = (int)fields.Value;
            else if (fields.Number == 41) bos = (int)fields.Value;
            else if (fields.Number == 42) eos = (int)fields.Value;
            else if (fields.Number == 43) pad = (int)fields.Value;
        }
        if (model is not (1 or 2)) throw Refuse($"model_type {model} is not supported: unigram (1) and BPE (2) are");
        (byte[] map, bool prefix, bool extra) = ([], true, true);
        for (var fields = new ProtobufFields(normalizer); fields.Next();)
        {
            if (fields.Number == 2) map = fields.Bytes.ToArray();
            else if (fields.Number == 3) prefix = fields.Value != 0;
            else if (fields.Number == 4) extra = fields.Value != 0;
            else if (fields.Number == 5 && fields.Value == 0) throw Refuse("escape_whitespaces = false is not supported");
        }
        // The piece says which one it is where both differ.
        if (pieces.FindIndex(piece => piece.Kind == PieceKind.Unknown) is >= 0 and var own) unknown = own;
        return new SentencePieceFile(pieces, model == 1, byteFallback, Known(unknown), Known(bos), Known(eos), Known(pad), map, prefix, extra);

        int Known(int id) => id < pieces.Count ? Math.Max(id, -1) : -1;
    }

    private static TokenizerException Refuse(string why) => new($"tokenizer.model: {why}");
}
