namespace FineTuneService.Engine.Tokenizers.Text;

/// <summary>Writes a changed copy of a text and carries its alignment along.</summary>
internal sealed class AlignedTextBuilder(AlignedText source)
{
    // Rules may double a text again and again.
    private const int LongestText = 1 << 26;

    private char[] _units = new char[source.Text.Length + 16];
    private Origin[]? _origins = source.Origins is null ? null : new Origin[source.Text.Length + 16];

    public int Length { get; private set; }

    /// <summary>Copies source units [start, end) as they are.</summary>
    public void Copy(int start, int end)
    {
        Reserve(end - start);
        source.Text.AsSpan(start, end - start).CopyTo(_units.AsSpan(Length));
        if (_origins is not null) source.Origins.AsSpan(start, end - start).CopyTo(_origins.AsSpan(Length));
        Length += end - start;
    }

    /// <summary>Writes units that come from where source unit <paramref name="from"/> came from (the text's start when it is negative).</summary>
    public void Append(ReadOnlySpan<char> units, int from)
    {
        Reserve(units.Length);
        units.CopyTo(_units.AsSpan(Length));
        _origins?.AsSpan(Length, units.Length).Fill(from < 0 ? default : source.Origins![from]);
        Length += units.Length;
    }

    /// <inheritdoc cref="Append(ReadOnlySpan{char}, int)"/>
    public void Append(char unit, int from)
    {
        if (Length == _units.Length) Reserve(1);
        _units[Length] = unit;
        if (_origins is not null) _origins[Length] = from < 0 ? default : source.Origins![from];
        Length++;
    }

    public AlignedText Build() => new(new string(_units, 0, Length), _origins?[..Length], source.AtStart);

    private void Reserve(int more)
    {
        if ((long)Length + more <= _units.Length) return;
        if ((long)Length + more > LongestText)
            throw new TokenizerException($"tokenizer.json: the normalizer makes a text longer than {LongestText} characters.");
        var size = (int)Math.Min(LongestText, Math.Max(_units.Length * 2L, (long)Length + more));
        Array.Resize(ref _units, size);
        if (_origins is not null) Array.Resize(ref _origins, size);
    }
}
