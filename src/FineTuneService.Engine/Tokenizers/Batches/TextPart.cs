namespace FineTuneService.Engine.Tokenizers.Batches;

/// <summary>The tokens of a text on their way into a batch, with the parts that truncation has cut off.</summary>
internal sealed class TextPart(TokenSequence tokens, List<int> types, List<int> attention)
{
    public TokenSequence Tokens { get; private set; } = tokens;

    /// <summary>[tokens]: which text of a pair, or what a template says.</summary>
    public List<int> Types { get; private set; } = types;

    /// <summary>[tokens]: 0 for padding.</summary>
    public List<int> Attention { get; private set; } = attention;

    public List<TextPart> Overflowing { get; private set; } = [];

    public int Length => Tokens.Ids.Count;

    public static TextPart Of(TokenSequence tokens, int type) =>
        new(tokens, [.. Enumerable.Repeat(type, tokens.Ids.Count)], [.. Enumerable.Repeat(1, tokens.Ids.Count)]);

    public static TextPart Special(IReadOnlyList<(int Id, string Token)> tokens, int type)
    {
        var sequence = new TokenSequence(detailed: true);
        foreach (var (id, token) in tokens) sequence.Add(id, token, default, special: true);
        return Of(sequence, type);
    }

    public TextPart WithType(int type)
    {
        Types = [.. Enumerable.Repeat(type, Length)];
        return this;
    }

    /// <summary>Keeps so many tokens; the others become parts of as many, each of which repeats <paramref name="stride"/> tokens of the one before.</summary>
    /// <exception cref="TokenizerException">The stride leaves no way forward.</exception>
    public void Truncate(int length, int stride, bool left)
    {
        if (length >= Length) return;
        if (length > 0 && stride >= length) throw new TokenizerException($"tokenizer.json: the truncation's stride {stride} must be below the {length} tokens that are kept.");
        TextPart[] parts = length == 0 ? [Slice(0, 0), Copy()] : [.. (left ? FromEnd(length, stride) : FromStart(length, stride)).Select(range => Slice(range.Start, range.End))];
        (Tokens, Types, Attention, Overflowing) = (parts[0].Tokens, parts[0].Types, parts[0].Attention, [.. parts[1..]]);
    }

    public void Pad(int length, int id, int type, string token, bool left)
    {
        foreach (TextPart part in Overflowing) part.Pad(length, id, type, token, left);
        int missing = length - Length;
        if (missing <= 0) return;
        var padding = new TokenSequence(detailed: true);
        for (int i = 0; i < missing; i++) padding.Add(id, token, default, special: true);
        var pad = new TextPart(padding, [.. Enumerable.Repeat(type, missing)], [.. Enumerable.Repeat(0, missing)]);
        TextPart joined = left ? pad.Joined(Copy()) : Copy().Joined(pad);
        (Tokens, Types, Attention) = (joined.Tokens, joined.Types, joined.Attention);
    }

    /// <summary>This and another behind it, with every combination of what was cut off of both, in the library's order.</summary>
    public TextPart Joined(TextPart other)
    {
        var joined = Copy();
        joined.Tokens.Add(other.Tokens);
        joined.Types.AddRange(other.Types);
        joined.Attention.AddRange(other.Attention);
        foreach (TextPart part in Overflowing)
        {
            joined.Overflowing.Add(part.Joined(other));
            foreach (TextPart others in other.Overflowing) joined.Overflowing.Add(part.Joined(others));
        }
        foreach (TextPart others in other.Overflowing) joined.Overflowing.Add(Joined(others));
        return joined;
    }

    public BatchEncoding ToEncoding() => new(Tokens.ToEncoding(), Types, Attention, [.. Overflowing.Select(part => part.ToEncoding())]);

    /// <summary>Without what was cut off.</summary>
    private TextPart Copy() => Slice(0, Length);

    private TextPart Slice(int start, int end)
    {
        var tokens = new TokenSequence(detailed: true);
        for (int i = start; i < end; i++) tokens.Add(Tokens.Ids[i], Tokens.Tokens[i], Tokens.Offsets[i], Tokens.Special[i] == 1);
        return new TextPart(tokens, Types[start..end], Attention[start..end]);
    }

    private IEnumerable<(int Start, int End)> FromStart(int length, int stride)
    {
        for (int start = 0, end = 0; end < Length; start += length - stride)
        {
            end = Math.Min(start + length, Length);
            yield return (start, end);
        }
    }

    private IEnumerable<(int Start, int End)> FromEnd(int length, int stride)
    {
        for (int end = Length, start = end; start > 0; end -= length - stride)
        {
            start = Math.Max(0, end - length);
            yield return (start, end);
        }
    }
}
