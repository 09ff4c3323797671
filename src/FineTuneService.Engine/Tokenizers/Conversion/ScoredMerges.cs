namespace FineTuneService.Engine.Tokenizers.Conversion;

/// <summary>
/// The merges of a BPE vocabulary that has scores and no merges, as sentencepiece's: any two tokens whose joined text is a token may be
/// joined, the best score first. Of equal ones, lower ids go first: of the joined token, then of the left part, as in transformers' conversion.
/// </summary>
internal static class ScoredMerges
{
    /// <summary>Characters looked at: a text of n characters takes n². Gemma's 262,144 tokens take 40 million.</summary>
    private const long MostWork = 1_000_000_000;

    /// <exception cref="TokenizerException">The texts are so long that finding the merges would take minutes.</exception>
    public static IEnumerable<(string Left, string Right)> Of(IReadOnlyList<VocabularyPiece> pieces)
    {
        if (pieces.Sum(piece => (double)piece.Text.Length * piece.Text.Length) > MostWork) throw new TokenizerException("the vocabulary's tokens are too long to be joined of each other");
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < pieces.Count; id++)
        {
            if (pieces[id].Kind is PieceKind.Normal or PieceKind.UserDefined or PieceKind.Unused) ids.TryAdd(pieces[id].Text, id);
        }
        var byText = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(double Score, int Joined, int Left, int Right)>();
        foreach ((string text, int id) in ids)
        {
            for (int cut = 1; cut < text.Length; cut++)
            {
                if (char.IsLowSurrogate(text[cut])) continue;
                if (byText.TryGetValue(text.AsSpan(0, cut), out int left) && byText.TryGetValue(text.AsSpan(cut), out int right)) merges.Add((pieces[id].Score, id, left, right));
            }
        }
        return merges.OrderByDescending(merge => merge.Score).ThenBy(merge => merge.Joined).ThenBy(merge => merge.Left).ThenBy(merge => merge.Right)
            .Select(merge => (pieces[merge.Left].Text, pieces[merge.Right].Text));
    }
}
