namespace FineTuneService.Demo.World;

/// <summary>A short price list, then questions: a price, what costs so much, the sum of two prices, and what is not on the list.</summary>
public static class Prices
{
    private static readonly string[] Questions =
        ["What does the {0} cost?", "How much is the {0}?", "The price of the {0}?", "What do I pay for the {0}?"];

    public static Conversation Make(Draw draw)
    {
        var goods = draw.Some(4, Words.Goods);
        var prices = draw.Some(3, Enumerable.Range(2, 48));
        var list = prices.Select((price, i) => (Item: goods[i], Price: price)).ToArray();
        var text = string.Join(' ', list.Select(p => $"A {p.Item} costs {p.Price} talers."));
        return Conversation.About(text, 3, () => Ask(list, unknown: goods[^1], draw));
    }

    private static Turn Ask((string Item, int Price)[] list, string unknown, Draw draw)
    {
        var pair = draw.Some(2, list);
        var (a, b) = (pair[0], pair[1]);
        var question = draw.Of(Questions);
        return draw.Below(5) switch
        {
            0 => new Turn($"What costs {a.Price} talers?", $"The {a.Item}."),
            1 => new Turn($"And the {a.Item} and the {b.Item}?", $"{a.Price} and {b.Price} make {a.Price + b.Price} talers."),
            2 => new Turn(string.Format(question, unknown), $"I do not know the {unknown}."),
            _ => new Turn(string.Format(question, a.Item), $"The {a.Item} costs {a.Price} talers."),
        };
    }
}
