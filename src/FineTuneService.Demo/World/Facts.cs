namespace FineTuneService.Demo.World;

/// <summary>Two or three people and what they keep, then questions about them.</summary>
public static class Facts
{
    private static readonly string[] Sentences =
    [
        "{0} of {1} keeps a {2} {3} in the {4}.", "{0} lives in {1} and has a {2} {3} in the {4}.",
        "In {1}, {0} has a {2} {3}. It is in the {4}.", "The {2} {3} in the {4} is {0}'s, who lives in {1}.",
    ];

    public static Conversation Make(Draw draw)
    {
        var goods = draw.Some(3, Words.Goods);
        var rooms = draw.Some(3, Words.Rooms);
        var people = Enumerable.Range(0, draw.Between(2, 3))
            .Select(i => new Person(Coin.Name(draw), Coin.Name(draw), draw.Of(Words.Colours), goods[i], rooms[i])).ToArray();
        var text = string.Join(' ', people.Select(p =>
            string.Format(draw.Of(Sentences), p.Name, p.Town, p.Colour, p.Item, p.Room)));
        return Conversation.About(text, 3, () => Ask(draw.Of(people), draw));
    }

    private static Turn Ask(Person p, Draw draw) => draw.Below(7) switch
    {
        0 => new Turn($"Where does {p.Name} live?", p.Town),
        1 => new Turn($"Who has the {p.Item}?", p.Name),
        2 => new Turn($"What colour is the {p.Item}?", p.Colour),
        3 => new Turn($"Where is the {p.Item}?", $"In the {p.Room}."),
        4 => new Turn($"What does {p.Name} have?", $"A {p.Colour} {p.Item}."),
        _ => AskForAll(p, draw),
    };

    private static Turn AskForAll(Person p, Draw draw)
    {
        (string, string)[] fields = [("name", p.Name), ("town", p.Town), ("colour", p.Colour), ("room", p.Room)];
        var turn = Layout.Ask(draw.Some(draw.Between(2, 4), fields), draw);
        return turn with { User = $"The {p.Item}, {turn.User}" };
    }

    private sealed record Person(string Name, string Town, string Colour, string Item, string Room);
}
