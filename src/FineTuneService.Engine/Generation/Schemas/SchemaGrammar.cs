using System.Text.Json;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Generation.Schemas.Formulas;
using FineTuneService.Engine.Generation.Schemas.Frames;
using FineTuneService.Engine.Generation.Schemas.Keywords;
using FineTuneService.Engine.Generation.Schemas.Shapes;

namespace FineTuneService.Engine.Generation.Schemas;

/// <summary>
/// A JSON schema as an automaton over the bytes of a text: it accepts the texts of the schema's valid values and no others, and never
/// goes where no valid text can come of. Its states are made as they are met and kept, so it is for one thread at a time.
/// </summary>
public sealed class SchemaGrammar
{
    private const int MostStates = 16_384;
    private const int LongestClosing = 1_024, Pending = -1;

    private readonly Goals _goals;
    private readonly Reading _reading;
    private readonly Dictionary<StateKey, ParseState> _states = [];
    private readonly List<Frame> _next = [];
    private readonly ParseState _dead;

    private SchemaGrammar(Goals goals, Goal root)
    {
        _goals = goals;
        _reading = new Reading(goals);
        _dead = new ParseState(this, [], null);
        Start = new ParseState(this, [_reading.One(new ValueFrame(root, _reading.Spaces(afterSeparator: false), new DoneFrame()))], null);
    }

    internal ParseState Start { get; }

    /// <summary>How texts may be laid out.</summary>
    public SchemaOptions Options => _goals.Options;

    /// <summary>Any JSON object.</summary>
    public static SchemaGrammar AnyObject() => Compile("""{"type": "object"}""", SchemaOptions.AnyLayout);

    /// <param name="schema">JSON Schema of draft 2020-12, or 7 where it says so.</param>
    /// <exception cref="SchemaException">It is no schema, cannot be followed exactly, has no valid value, or is too large.</exception>
    public static SchemaGrammar Compile(string schema, SchemaOptions? options = null)
    {
        if (schema.Length > SchemaLimits.Characters) throw new SchemaException("#", "schema", $"is longer than {SchemaLimits.Characters} characters");
        try
        {
            using var json = JsonDocument.Parse(schema, new JsonDocumentOptions { MaxDepth = SchemaLimits.Depth });
            return Compile(json.RootElement.Clone(), options ?? SchemaOptions.Exact);
        }
        catch (JsonException bad)
        {
            throw new SchemaException("#", "schema", $"is not JSON, or nests deeper than {SchemaLimits.Depth}: {JsonFault.Sentence(bad)}");
        }
    }

    /// <inheritdoc cref="Compile(string, SchemaOptions)"/>
    public static SchemaGrammar Compile(JsonElement schema, SchemaOptions options)
    {
        var budget = new SchemaBudget();
        var document = new SchemaDocument(schema, options.Draft);
        var space = new FormulaSpace(budget);
        var goals = new Goals(new SchemaReader(document, space, options), budget);
        Goal root = goals.Of(document.Root.Json.ValueKind == JsonValueKind.Object ? space.Refer(document.Root) : document.Root.Json.ValueKind == JsonValueKind.True ? space.True : space.False);
        goals.Explore();
        return goals.HasValues(root) ? new SchemaGrammar(goals, root) : throw new SchemaException("#", "schema", "allows no value at all");
    }

    /// <summary>Whether a whole text is accepted.</summary>
    public bool Accepts(string text)
    {
        ParseState state = Start;
        foreach (byte next in System.Text.Encoding.UTF8.GetBytes(text))
        {
            state = state.Next(next);
            if (state.IsDead) return false;
        }
        return state.Ends;
    }

    /// <summary>Frames that may still be asked.</summary>
    internal long Work { get; set; } = long.MaxValue;

    /// <exception cref="InvalidOperationException">The work is spent.</exception>
    internal ParseState Step(ParseState from, byte next)
    {
        if ((Work -= from.Ways.Length) < 0) throw new InvalidOperationException("the schema leaves so many ways open that holding an answer to it takes too long");
        _next.Clear();
        _reading.Text = new Remembered(next, from.Text);
        foreach (Frame way in from.Ways) way.Step(next, _reading, _next);
        if (_next.Count == 0) return _dead;
        // What is left out can only make the text be refused, never accepted.
        Frame[] ways = [.. _next.Distinct().Take(SchemaLimits.Threads)];
        Remembered? text = Array.Exists(ways, way => way.Remembers) ? _reading.Text : null;
        if (text is not null) return new ParseState(this, ways, text);
        var key = new StateKey(ways);
        if (_states.TryGetValue(key, out ParseState? known)) return known;
        if (_states.Count >= MostStates) Forget();
        return _states[key] = new ParseState(this, ways, null);
    }

    /// <summary>The bytes that must follow a state, at most so many.</summary>
    internal List<byte> Certain(ParseState state, int most)
    {
        var bytes = new List<byte>();
        while (bytes.Count < most && !state.Ends && OnlyByte(state) is >= 0 and var only)
        {
            state = state.Next((byte)only);
            if (state.IsDead) throw new InvalidOperationException($"a byte that must follow cannot: {(char)only}");
            bytes.Add((byte)only);
        }
        return bytes;
    }

    /// <summary>How many bytes bring a state's text to its end, and the first of them. What is short of a character or a name is made up.</summary>
    internal (int Byte, int Length) Closing(ParseState state)
    {
        const int unknown = int.MaxValue / 2;
        var path = new List<ParseState>();
        int length = 0;
        long looked = _reading.Looked;
        for (ParseState at = state; ; path.Add(at), at = at.Next((byte)at.Closing!.Value.Byte))
        {
            if (at.Closing is { Length: var known } && known != Pending)
            {
                length = known;
                break;
            }
            if (at.Ends)
            {
                at.Closing = (-1, 0);
                break;
            }
            int close = at.Closing is null && path.Count < LongestClosing && _reading.Looked - looked < SchemaLimits.ClosingWork ? at.Ways.Select(way => way.Closing(_reading)).FirstOrDefault(one => one >= 0 && !at.Next((byte)one).IsDead, -1) : -1;
            if (close < 0)
            {
                length = unknown; // No end in sight, or in a circle.
                at.Closing = (-1, unknown);
                break;
            }
            at.Closing = (close, Pending);
        }
        Work -= (_reading.Looked - looked) / 4; // A place takes some 50 ns, a frame 200.
        for (int i = path.Count - 1; i >= 0; i--) path[i].Closing = (path[i].Closing!.Value.Byte, length = Math.Min(unknown, length + 1));
        return state.Closing!.Value;
    }

    private int OnlyByte(ParseState state)
    {
        int only = -1;
        foreach (Frame way in state.Ways)
        {
            int one = way.Only(_reading);
            if (one < 0 || (only >= 0 && one != only)) return -1;
            only = one;
        }
        return only;
    }

    /// <summary>States that are held by others go on; the next that are met are made anew.</summary>
    private void Forget()
    {
        _states.Clear();
        _reading.Forget();
    }

    /// <summary>Frames that are one object each: a state is its ways.</summary>
    private readonly struct StateKey(Frame[] ways) : IEquatable<StateKey>
    {
        private Frame[] Ways => ways;

        public bool Equals(StateKey other) => ways.AsSpan().SequenceEqual(other.Ways);

        public override bool Equals(object? other) => other is StateKey key && Equals(key);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            foreach (Frame way in ways) hash.Add(System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(way));
            return hash.ToHashCode();
        }
    }
}
