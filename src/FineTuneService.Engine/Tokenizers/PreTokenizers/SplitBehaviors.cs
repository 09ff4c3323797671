using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>How each <see cref="SplitBehavior"/> cuts.</summary>
internal static class SplitBehaviors
{
    public static SplitBehavior Parse(string? name) => Enum.TryParse<SplitBehavior>(name, out var behavior)
        ? behavior
        : throw TokenizerException.Unsupported("split behavior", name ?? "null");

    /// <summary>Appends the non-empty pieces of <paramref name="whole"/>, given the matches (relative to its start).</summary>
    /// <param name="invert">What lies between matches counts as the match.</param>
    public static void Split(this SplitBehavior behavior, Piece whole, List<Piece> matches, bool invert, List<Piece> output)
    {
        var first = output.Count;
        var end = 0;
        var previousIsMatch = false;
        foreach (var match in matches)
        {
            Take(end, match.Start, isMatch: invert);
            Take(match.Start, match.End, isMatch: !invert);
            end = match.End;
        }

        Take(end, whole.Length, isMatch: invert);

        void Take(int start, int stop, bool isMatch)
        {
            if (start >= stop) return;
            var joins = output.Count > first && behavior switch
            {
                SplitBehavior.MergedWithPrevious => isMatch && !previousIsMatch,
                SplitBehavior.MergedWithNext => previousIsMatch && !isMatch,
                SplitBehavior.Contiguous => isMatch == previousIsMatch,
                _ => false,
            };
            previousIsMatch = isMatch;
            if (behavior == SplitBehavior.Removed && isMatch) return;
            if (joins) output[^1] = new Piece(output[^1].Start, whole.Start + stop);
            else output.Add(new Piece(whole.Start + start, whole.Start + stop));
        }
    }
}
