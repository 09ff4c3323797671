namespace FineTuneService.Engine.Generation.Schemas;

/// <summary>Which tokens may come next: as a list where they are few, else as bits.</summary>
internal sealed class TokenMask
{
    private const int Few = 2_048;

    private readonly int[]? _ids;
    private readonly ulong[]? _bits;

    public TokenMask(List<int> ids) => _ids = [.. ids];

    /// <param name="bits">Kept.</param>
    public TokenMask(ulong[] bits)
    {
        int count = 0;
        foreach (ulong word in bits) count += System.Numerics.BitOperations.PopCount(word);
        if (count > Few)
        {
            _bits = bits;
            Count = count;
            return;
        }
        var ids = new List<int>(count);
        for (int i = 0; i < bits.Length; i++)
        {
            for (ulong word = bits[i]; word != 0; word &= word - 1) ids.Add((i << 6) + System.Numerics.BitOperations.TrailingZeroCount(word));
        }
        _ids = [.. ids];
    }

    public int Count { get => _ids?.Length ?? field; }

    public bool Allows(int id) => _bits is null ? Array.IndexOf(_ids!, id) >= 0 : id >> 6 < _bits.Length && (_bits[id >> 6] >> (id & 63) & 1) != 0;

    /// <summary>Makes −∞ of the scores of all other tokens.</summary>
    /// <param name="scores">[vocabulary]</param>
    /// <param name="also">Tokens that may come too.</param>
    public void Apply(Span<float> scores, IReadOnlyList<int> also)
    {
        if (_bits is not null)
        {
            Span<float> kept = stackalloc float[also.Count <= 64 ? also.Count : 0];
            for (int i = 0; i < kept.Length; i++) kept[i] = scores[also[i]];
            for (int start = 0; start < scores.Length; start += 64)
            {
                ulong word = start >> 6 < _bits.Length ? _bits[start >> 6] : 0;
                Span<float> part = scores[start..Math.Min(scores.Length, start + 64)];
                if (word == 0) part.Fill(float.NegativeInfinity);
                else
                {
                    for (ulong not = ~word; not != 0; not &= not - 1)
                    {
                        int bit = System.Numerics.BitOperations.TrailingZeroCount(not);
                        if (bit < part.Length) part[bit] = float.NegativeInfinity;
                    }
                }
            }
            for (int i = 0; i < kept.Length; i++) scores[also[i]] = kept[i];
            return;
        }
        var few = new float[_ids!.Length + also.Count];
        for (int i = 0; i < few.Length; i++) few[i] = scores[i < _ids.Length ? _ids[i] : also[i - _ids.Length]];
        scores.Fill(float.NegativeInfinity);
        for (int i = 0; i < few.Length; i++) scores[i < _ids.Length ? _ids[i] : also[i - _ids.Length]] = few[i];
    }
}
