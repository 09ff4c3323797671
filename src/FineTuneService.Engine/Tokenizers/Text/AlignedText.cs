namespace FineTuneService.Engine.Tokenizers.Text;

/// <summary>[Start, End) in UTF-16 units of the input.</summary>
internal readonly record struct Origin(int Start, int End);

/// <summary>A text on its way through the pipeline and, if offsets were asked for, where each of its UTF-16 units came from.</summary>
internal sealed class AlignedText(string text, Origin[]? origins, bool atStart)
{
    public string Text { get; } = text;

    /// <summary>Whether this begins where the input begins.</summary>
    public bool AtStart { get; } = atStart;

    /// <summary>One entry a UTF-16 unit of <see cref="Text"/>, or null when nobody asked for offsets.</summary>
    public Origin[]? Origins { get; } = origins;

    /// <summary>The input itself: every unit of a character comes from that whole character.</summary>
    public static AlignedText Of(string input, bool aligned)
    {
        if (!aligned) return new AlignedText(input, null, atStart: true);
        var origins = new Origin[input.Length];
        for (var i = 0; i < input.Length; i++)
        {
            var width = i + 1 < input.Length && char.IsHighSurrogate(input[i]) ? 2 : 1;
            origins[i] = new Origin(i, i + width);
            if (width == 2) origins[i + 1] = origins[i++];
        }

        return new AlignedText(input, origins, atStart: true);
    }

    public AlignedText Slice(int start, int end)
    {
        if (start == 0 && end == Text.Length) return this;
        return new AlignedText(Text[start..end], Origins?[start..end], AtStart && start == 0);
    }

    /// <summary>Where [start, end) of this text came from; an empty range comes from nowhere.</summary>
    public Origin OriginOf(int start, int end) =>
        Origins is null || start >= end ? default : new Origin(Origins[start].Start, Origins[end - 1].End);
}
