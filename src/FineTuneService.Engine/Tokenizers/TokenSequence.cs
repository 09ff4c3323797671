namespace FineTuneService.Engine.Tokenizers;

/// <summary>Tokens while they are made. Only ids are kept unless the caller asked for details.</summary>
internal sealed class TokenSequence(bool detailed)
{
    public bool Detailed { get; } = detailed;

    public List<int> Ids { get; } = [];

    public List<string> Tokens { get; } = [];

    /// <summary>In code points of the input.</summary>
    public List<(int Start, int End)> Offsets { get; } = [];

    public List<int> Special { get; } = [];

    /// <summary>Adds a token with its details; they are dropped unless <see cref="Detailed"/>.</summary>
    public void Add(int id, string token, (int Start, int End) offsets, bool special)
    {
        Ids.Add(id);
        if (!Detailed) return;
        Tokens.Add(token);
        Offsets.Add(offsets);
        Special.Add(special ? 1 : 0);
    }

    public void Add(TokenSequence other)
    {
        Ids.AddRange(other.Ids);
        Tokens.AddRange(other.Tokens);
        Offsets.AddRange(other.Offsets);
        Special.AddRange(other.Special);
    }

    public Encoding ToEncoding() => new(Ids, Tokens, Offsets, Special);
}
