namespace FineTuneService.Engine.Tokenizers.Subwords;

/// <summary>
/// The tokens of a vocabulary in order, so that those which a text begins with are found character by character: each narrows down the
/// range of tokens that begin alike, and no more of the text is looked at than some token has.
/// </summary>
internal sealed class SortedTokens
{
    private readonly (string Text, int Id)[] _tokens;

    public SortedTokens(IEnumerable<(string Text, int Id)> tokens)
    {
        _tokens = [.. tokens.Where(token => token.Text.Length > 0)];
        Array.Sort(_tokens, (left, right) => string.CompareOrdinal(left.Text, right.Text));
    }

    /// <summary>Calls back with the length and id of each token that the text begins with, the shortest first.</summary>
    public void ForEachPrefix(ReadOnlySpan<char> text, Action<int, int> found)
    {
        var (low, high) = (0, _tokens.Length);
        for (var depth = 0; depth < text.Length && low < high; depth++)
        {
            var next = text[depth] == char.MaxValue ? high : Bound(low, high, depth, (char)(text[depth] + 1));
            (low, high) = (Bound(low, high, depth, text[depth]), next);
            // A token that ends here stands before all that go on.
            if (low < high && _tokens[low].Text.Length == depth + 1) found(depth + 1, _tokens[low].Id);
        }
    }

    /// <summary>The first token of a range whose unit at a depth is not below this one; those that end before are.</summary>
    private int Bound(int low, int high, int depth, char unit)
    {
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            var text = _tokens[middle].Text;
            if (text.Length <= depth || text[depth] < unit) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
