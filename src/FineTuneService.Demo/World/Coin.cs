namespace FineTuneService.Demo.World;

/// <summary>Makes up names, codes and strings: their parts are known to the model, the whole is new nearly every time.</summary>
public static class Coin
{
    /// <summary>A made-up word of two or three syllables: "dorvin".</summary>
    public static string Word(Draw draw) =>
        string.Concat(Enumerable.Range(0, draw.Chance(30) ? 3 : 2).Select(_ => draw.Of(Words.Syllables)));

    /// <summary>A person's or town's name: "Dorvin".</summary>
    public static string Name(Draw draw) => Capitalise(Word(draw));

    /// <summary>An order's code: "K-482".</summary>
    public static string Code(Draw draw) => $"{(char)('A' + draw.Below(26))}-{draw.Between(100, 999)}";

    /// <summary>Random printable ASCII, no space.</summary>
    public static string Bytes(Draw draw, int length) =>
        string.Concat(Enumerable.Range(0, length).Select(_ => (char)draw.Between('!', '~')));

    /// <summary>Any short value: a word of the world, a name, a number, a code.</summary>
    public static string Value(Draw draw) => draw.Below(8) switch
    {
        0 => draw.Of(Words.Goods),
        1 => draw.Of(Words.Faults),
        2 => draw.Of(Words.Colours),
        3 => draw.Of(Words.Days),
        4 => draw.Between(2, 99).ToString(),
        5 => Code(draw),
        _ => Name(draw),
    };

    public static string Capitalise(string word) => char.ToUpperInvariant(word[0]) + word[1..];
}
