using FineTuneService.Engine.Generation.Schemas.Frames;

namespace FineTuneService.Engine.Generation.Schemas;

/// <summary>A text so far: every way in which it can be read and brought to a valid end. Where none is left, the text is not valid.</summary>
internal sealed class ParseState(SchemaGrammar grammar, Frame[] ways, Remembered? text)
{
    // By the byte's halves: most states see few bytes.
    private readonly ParseState?[]?[] _next = new ParseState?[]?[16];

    public Frame[] Ways => ways;
    public Remembered? Text => text;

    public bool IsDead => ways.Length == 0;

    /// <summary>The text may end here.</summary>
    public bool Ends { get; } = Array.Exists(ways, way => way.Ends);

    /// <summary>Tokens that may follow, by vocabulary; kept once it was asked for.</summary>
    public TokenMask? Mask { get; set; }

    /// <summary>The byte that leads to the text's end by a short way, and how many bytes that way has; -1 where none is known.</summary>
    public (int Byte, int Length)? Closing { get; set; }

    public ParseState Next(byte next) => _next[next >> 4]?[next & 15] ?? Find(next);

    private ParseState Find(byte next)
    {
        ParseState?[] half = _next[next >> 4] ??= new ParseState?[16];
        return half[next & 15] = grammar.Step(this, next);
    }
}
