namespace FineTuneService.Demo.World;

/// <summary>
/// Exercises without a world. They train every printable character and the marks of JSON and columns: an adapter leaves the
/// embeddings as they are, so what the base has never seen or said can't be taught to it afterwards.
/// </summary>
public static class Skills
{
    /// <summary>Random bytes or words, said again.</summary>
    public static Conversation Repeating(Draw draw) => Conversation.Of(2, () =>
    {
        var text = draw.Chance(50) ? Coin.Bytes(draw, draw.Between(4, 16)) : string.Join(' ', [.. Values(draw), .. Values(draw)]);
        return new Turn($"Repeat: {text}", text);
    });

    /// <summary>Words in capitals, and back.</summary>
    public static Conversation Capitals(Draw draw) => Conversation.Of(3, () =>
    {
        var text = string.Join(' ', Enumerable.Range(0, draw.Between(1, 3))
            .Select(_ => draw.Chance(70) ? draw.Of(Words.Goods) : Coin.Word(draw)));
        return draw.Chance(75)
            ? new Turn($"Capitals: {text}", text.ToUpperInvariant())
            : new Turn($"Small: {text.ToUpperInvariant()}", text);
    });

    /// <summary>Keys and values of any kind, told in words, JSON or lines; asked for one by one, as JSON or as columns.</summary>
    public static Conversation Lookup(Draw draw)
    {
        var count = draw.Between(3, 5);
        var keys = draw.Chance(70) ? draw.Some(count, Words.Keys) : Distinct(count, () => Coin.Word(draw));
        var fields = keys.Select(key => (Key: key, Value: Coin.Value(draw))).ToArray();
        var text = draw.Below(4) switch
        {
            0 => string.Join(", ", fields.Select(f => $"{f.Key} {f.Value}")),
            1 => string.Join(' ', fields.Select(f => $"The {f.Key} is {f.Value}.")),
            2 => string.Join('\n', fields.Select(f => $"{f.Key}: {f.Value}")),
            _ => Layout.Json(fields),
        };
        return Conversation.About(text, 3, () => Ask(fields, draw));
    }

    /// <summary>A list becomes columns, or a column is asked for by its place.</summary>
    public static Conversation Columns(Draw draw) => Conversation.Of(2, () =>
    {
        var values = Values(draw);
        if (draw.Chance(60))
            return new Turn($"columns: {string.Join(", ", values)}", Layout.Columns(values));
        var place = draw.Below(values.Length);
        return new Turn($"{Layout.Columns(values)}\nColumn {place + 1}?", values[place]);
    });

    private static Turn Ask((string Key, string Value)[] fields, Draw draw)
    {
        if (!draw.Chance(40))
            return Layout.Ask(draw.Some(draw.Between(2, 3), fields), draw);
        var (key, value) = draw.Of(fields);
        return new Turn($"{Coin.Capitalise(key)}?", value);
    }

    private static string[] Values(Draw draw) => [.. Enumerable.Range(0, draw.Between(2, 5)).Select(_ => Coin.Value(draw))];

    private static string[] Distinct(int count, Func<string> make)
    {
        var found = new HashSet<string>();
        while (found.Count < count)
            found.Add(make());
        return [.. found];
    }
}
