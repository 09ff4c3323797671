using FineTuneService.Engine.Generation.Rules;

namespace FineTuneService.Engine.Generation.Schemas;

/// <summary>One answer that is held to a schema: which tokens may come next, and which must.</summary>
/// <param name="ends">Tokens that end a text.</param>
public sealed class SchemaSession(SchemaGrammar grammar, TokenVocabulary vocabulary, IReadOnlyList<int> ends) : ILogitRule
{
    private const int MostCertain = 256, Unknown = int.MaxValue / 2;

    private ParseState _state = grammar.Start;
    private long _work = SchemaLimits.AnswerWork, _tokenWork = SchemaLimits.TokenWork;

    /// <summary>The text is valid, and nothing can be added to it.</summary>
    public bool IsComplete => _state.Ends && Mask.Count == 0;

    internal TokenMask Mask => _state.Mask ?? Bounded(() => vocabulary.Mask(_state));

    /// <summary>Tokens that may still come; where they are just enough to bring the text to its end, they are used for that.</summary>
    public int Left { private get; set; } = int.MaxValue;

    /// <summary>Makes −∞ of the scores of tokens that may not come next.</summary>
    /// <exception cref="InvalidOperationException">The vocabulary has no token for what must come next.</exception>
    public void Apply(Span<float> scores, ReadOnlySpan<int> previous)
    {
        if (MustClose)
        {
            KeepClosing(scores);
            return;
        }
        TokenMask mask = Mask;
        if (mask.Count == 0 && !_state.Ends) throw new InvalidOperationException("the vocabulary has no token that goes on with the text as the schema asks");
        mask.Apply(scores, _state.Ends ? ends : []);
    }

    /// <summary>A token has come.</summary>
    public void Take(int id)
    {
        if (ends.Contains(id)) return;
        foreach (byte next in vocabulary.Bytes(id)) _state = _state.Next(next);
        _tokenWork = SchemaLimits.TokenWork;
    }

    /// <summary>
    /// Tokens that write what must come next, whatever the model thinks of it. The last stretch is left to the model where a longer token
    /// may begin there.
    /// </summary>
    public IReadOnlyList<int> Certain()
    {
        if (MustClose) return [];
        List<byte> bytes = grammar.Certain(_state, MostCertain);
        if (bytes.Count == 0) return [];
        ReadOnlySpan<byte> left = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes);
        var tokens = new List<int>();
        bool whole = After(left).Ends;
        while (left.Length > 0)
        {
            (int id, int length) = vocabulary.Longest(left);
            if (id < 0 || (length == left.Length && !whole)) break;
            tokens.Add(id);
            left = left[length..];
        }
        return tokens;
    }

    /// <summary>A token has a byte at least, and the token that ends the text is one more.</summary>
    private bool MustClose => IsNear && ClosingLength(_state) is var length && length < Unknown && Left <= length + 1;

    private bool IsNear => Left < MostCertain * 4;

    /// <summary>Whether the text can still be brought to its end behind a token.</summary>
    public bool Fits(int id)
    {
        if (!IsNear || ends.Contains(id) || ClosingLength(_state) >= Unknown) return true; // Without a known end there is none to be missed.
        ParseState after = Bounded(() => After(vocabulary.Bytes(id)));
        return after.Ends || ClosingLength(after) + 1 < Left;
    }

    private (int Byte, int Length) Closing(ParseState state) => Bounded(() => grammar.Closing(state));

    private int ClosingLength(ParseState state) => Closing(state).Length;

    /// <summary>Makes −∞ of the scores of all but the token that leads to the text's end.</summary>
    public void KeepClosing(Span<float> scores)
    {
        var way = new List<byte>();
        for (ParseState at = _state; !at.Ends && way.Count < 64; at = at.Next(way[^1])) way.Add((byte)Closing(at).Byte);
        int token = way.Count == 0 ? -1 : vocabulary.Longest(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(way)).Id;
        if (way.Count > 0 && token < 0) throw new InvalidOperationException("the vocabulary has no token that goes on with the text as the schema asks");
        new TokenMask(token < 0 ? [] : [token]).Apply(scores, token < 0 ? ends : []);
    }

    private T Bounded<T>(Func<T> work)
    {
        long most = grammar.Work = Math.Min(_tokenWork, _work);
        try
        {
            return work();
        }
        finally
        {
            _work -= most - grammar.Work;
            _tokenWork -= most - grammar.Work;
            grammar.Work = long.MaxValue;
        }
    }

    private ParseState After(ReadOnlySpan<byte> bytes)
    {
        ParseState state = _state;
        foreach (byte next in bytes) state = state.Next(next);
        return state;
    }
}
