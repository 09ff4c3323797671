using FineTuneService.Engine.Generation.Rules;

namespace FineTuneService.Engine.Generation.Schemas;

/// <summary>One answer that is held to a schema: which tokens may come next, and which must.</summary>
/// <param name="ends">Tokens that end a text.</param>
public sealed class SchemaSession(SchemaGrammar grammar, TokenVocabulary vocabulary, IReadOnlyList<int> ends) : ILogitRule
{
    private const int MostCertain = 256;

    private ParseState _state = grammar.Start;
    private long _work = SchemaLimits.AnswerWork;

    /// <summary>The text is valid, and nothing can be added to it.</summary>
    public bool IsComplete => _state.Ends && Mask.Count == 0;

    internal TokenMask Mask => _state.Mask ?? Bounded(() => vocabulary.Mask(_state));

    /// <summary>Makes −∞ of the scores of tokens that may not come next.</summary>
    /// <exception cref="InvalidOperationException">The vocabulary has no token for what must come next.</exception>
    public void Apply(Span<float> scores, ReadOnlySpan<int> previous)
    {
        TokenMask mask = Mask;
        if (mask.Count == 0 && !_state.Ends) throw new InvalidOperationException("the vocabulary has no token that goes on with the text as the schema asks");
        mask.Apply(scores, _state.Ends ? ends : []);
    }

    /// <summary>A token has come.</summary>
    public void Take(int id)
    {
        if (ends.Contains(id)) return;
        foreach (byte next in vocabulary.Bytes(id)) _state = _state.Next(next);
    }

    /// <summary>
    /// Tokens that write what must come next, whatever the model thinks of it. The last stretch is left to the model where a longer token
    /// may begin there.
    /// </summary>
    public IReadOnlyList<int> Certain()
    {
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

    private T Bounded<T>(Func<T> work)
    {
        long most = grammar.Work = Math.Min(SchemaLimits.MaskWork, _work);
        try
        {
            return work();
        }
        finally
        {
            _work -= most - grammar.Work;
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
