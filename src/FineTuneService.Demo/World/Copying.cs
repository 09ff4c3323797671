namespace FineTuneService.Demo.World;

/// <summary>
/// The first lesson: a list without sense, said again. Nothing but copying lowers its loss, so the attention heads that look up
/// "what came after this before" form in a few hundred steps; in the mixed text, where habit lowers the loss too, they take
/// several times as long.
/// </summary>
public static class Copying
{
    /// <summary>Nearly all of them are one token each. Only a word in small letters has a blank before it, as part of that token.</summary>
    private static readonly string[] Pieces =
    [
        .. Words.Goods.Concat(Words.Faults).Concat(Words.Colours).Concat(Words.Rooms).Concat(Words.Keys).Select(word => " " + word),
        .. Words.Days, .. Words.Syllables.Select(Coin.Capitalise), .. Enumerable.Range(10, 90).Select(number => number.ToString()),
        .. Enumerable.Range('!', '~' - '!' + 1).Select(character => ((char)character).ToString()),
    ];

    public static IEnumerable<Conversation> Conversations(ulong seed)
    {
        var draw = new Draw(seed);
        while (true)
        {
            var list = string.Concat(Enumerable.Range(0, draw.Between(6, 24)).Select(_ => draw.Of(Pieces)));
            yield return new Conversation([new Turn(list, list)]);
        }
    }
}
