namespace FineTuneService.Engine.Generation.Rules;

/// <summary>No run of so many tokens comes twice.</summary>
internal sealed class NoRepeatNgram(int size) : ILogitRule
{
    public void Apply(Span<float> scores, ReadOnlySpan<int> previous)
    {
        if (previous.Length < size - 1) return;
        ReadOnlySpan<int> end = previous[(previous.Length - size + 1)..];
        for (int start = 0; start + size <= previous.Length; start++)
        {
            if (previous.Slice(start, size - 1).SequenceEqual(end)) scores[previous[start + size - 1]] = float.NegativeInfinity;
        }
    }
}
