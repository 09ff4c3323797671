namespace FineTuneService.Engine.Generation.Schemas;

/// <summary>What a schema may cost. Schemas come with requests, so each bound ends in a sentence and not in a dead service.</summary>
internal static class SchemaLimits
{
    /// <summary>Characters of a schema's text.</summary>
    public const int Characters = 1 << 18;

    /// <summary>JSON's nesting in a schema.</summary>
    public const int Depth = 64;

    /// <summary>Work of one compilation; some 100 ns each.</summary>
    public const int Work = 4_000_000;

    /// <summary>Ways that one value may come about: products of anyOf, oneOf, not and the like.</summary>
    public const int Alternatives = 256;

    /// <summary>States of a text's automaton times the classes of its characters.</summary>
    public const int AutomatonCells = 1 << 21;

    /// <summary>States of a pattern before it is made deterministic.</summary>
    public const int PatternNodes = 20_000;

    /// <summary>Ways that a text may be read at once.</summary>
    public const int Threads = 256;

    /// <summary>Nesting of a text that is held to a schema; readers of JSON stop at 64.</summary>
    public const int TextDepth = 512, FreeDepth = 60;

    /// <summary>References and required properties that lead one to the next.</summary>
    public const int Chain = 256;

    /// <summary>Pieces that a place's numbers may lie in, where they are not listed one by one.</summary>
    public const int NumberPieces = 32;

    /// <summary>Frames that are asked for one token, and for a whole answer; some 200 ns each.</summary>
    public const int TokenWork = 1_000_000;
    public const long AnswerWork = 40_000_000;

    /// <summary>Places in a text's automaton that are looked at for the nearest end; some 50 ns each.</summary>
    public const int NearestWork = 40_000;

    /// <summary>The same, for the whole way to an answer's end.</summary>
    public const int ClosingWork = 400_000;

    /// <summary>Bytes of one number.</summary>
    public const int NumberBytes = 512;
}

/// <summary>Counts what a compilation has cost.</summary>
internal sealed class SchemaBudget
{
    private int _left = SchemaLimits.Work;

    /// <exception cref="SchemaException">It is spent.</exception>
    public void Take(int work)
    {
        if ((_left -= work) < 0)
            throw new SchemaException("#", "schema", "is too complex: its alternatives multiply. Use fewer anyOf, oneOf and not, or smaller bounds.");
    }
}
