namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>
/// The key-values of a GGUF file, typed access included: integers of any width are one kind here, since converters differ. What is of
/// the wrong kind or out of range is named, with the file.
/// </summary>
/// <param name="file">Its name, for messages.</param>
internal sealed class GgufMetadata(string file, IReadOnlyDictionary<string, GgufValue> values)
{
    /// <summary>All of them, in the file's order.</summary>
    public IReadOnlyDictionary<string, GgufValue> Values => values;

    /// <summary>The file's name, for messages.</summary>
    public string File => file;

    /// <summary>general.architecture, such as llama.</summary>
    /// <exception cref="GgufException">There is none.</exception>
    public string Architecture => Text("general.architecture") ?? throw Refuse("general.architecture is missing");

    /// <summary>The key of one of the architecture's own settings: block_count gives llama.block_count.</summary>
    public string Own(string name) => $"{Architecture}.{name}";

    public string? Text(string key) => Find(key) switch
    {
        null => null,
        { Value: string text } => text,
        { } other => throw Wrong(key, other, "a text"),
    };

    public bool? Flag(string key) => Find(key) switch
    {
        null => null,
        { Value: bool flag } => flag,
        { } other => throw Wrong(key, other, "a bool"),
    };

    /// <summary>A whole number. Where a layer each has one (a list), all must be equal.</summary>
    /// <exception cref="GgufException">It is not one, or out of range.</exception>
    public int? Whole(string key, int least, int most)
    {
        if (Find(key) is not { } value) return null;
        object number = value.Value is GgufArray list ? Same(key, value, list) : value.Value;
        return number is long whole && whole >= least && whole <= most ? (int)whole : throw Wrong(key, value, $"a whole number from {least} to {most}");
    }

    /// <summary>A finite number.</summary>
    public double? Number(string key) => Find(key) switch
    {
        null => null,
        { Value: double number } when double.IsFinite(number) => number,
        { Value: long whole } => whole,
        { } other => throw Wrong(key, other, "a finite number"),
    };

    public string[]? Texts(string key) => Find(key) is not { } value ? null
        : (value.Value as GgufArray)?.Texts() ?? throw Wrong(key, value, "a list of texts");

    public double[]? Numbers(string key) => Find(key) is not { } value ? null
        : (value.Value as GgufArray)?.Numbers() ?? throw Wrong(key, value, "a list of numbers");

    public GgufException Refuse(string why) => new($"{file}: {why}.");

    private GgufValue? Find(string key) => values.GetValueOrDefault(key);

    private object Same(string key, GgufValue value, GgufArray list)
    {
        double[] numbers = list.Numbers() ?? [];
        if (numbers.Length == 0 || numbers.Any(number => number != numbers[0]))
            throw Wrong(key, value, "one number, or the same number for each layer");
        return (long)numbers[0];
    }

    private GgufException Wrong(string key, GgufValue value, string wanted)
    {
        string said = value.Value switch
        {
            GgufArray list => $"a list of {list.Count} {list.Element}",
            string text => '"' + (text.Length > 60 ? text[..60] + "…" : text) + '"',
            _ => FormattableString.Invariant($"{value.Value}"),
        };
        return Refuse($"{key} = {said} has the wrong type or range; it must be {wanted}");
    }
}
