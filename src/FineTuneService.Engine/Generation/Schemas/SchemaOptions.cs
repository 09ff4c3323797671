namespace FineTuneService.Engine.Generation.Schemas;

/// <summary>Which of a value's many texts are accepted. Whatever is chosen, every accepted text is valid.</summary>
public sealed record SchemaOptions
{
    /// <summary>Every text of every valid value: any white space, order of keys, escapes and way to write a number.</summary>
    public static SchemaOptions Exact { get; } = new();

    /// <summary>What a model is to write: keys in the schema's order, a space after a comma or colon at most, integers without fraction or
    /// exponent, escapes only where JSON needs them. Programs read it without surprises, and most of it is certain before it is drawn.</summary>
    public static SchemaOptions Generation { get; } = new() { Plain = true, Spaces = 1, AssertFormats = true };

    /// <summary>Any JSON, as a model likes to lay it out.</summary>
    public static SchemaOptions AnyLayout { get; } = new() { Plain = true, Spaces = 64, AssertFormats = true };

    /// <summary>Keys in order, plain numbers and plain escapes.</summary>
    public bool Plain { get; init; }

    /// <summary>White space between two tokens of JSON at most, in bytes; 1: only a space, and only after a comma or colon.</summary>
    public int Spaces { get; init; } = int.MaxValue;

    /// <summary>Whether <c>format</c> is more than an annotation.</summary>
    public bool AssertFormats { get; init; }

    /// <summary>Where the schema does not say.</summary>
    public SchemaDraft Draft { get; init; } = SchemaDraft.Draft202012;
}

/// <summary>Versions of JSON Schema.</summary>
public enum SchemaDraft
{
    Draft7,
    Draft202012,
}
