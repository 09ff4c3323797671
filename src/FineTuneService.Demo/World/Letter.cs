using System.Text;

namespace FineTuneService.Demo.World;

/// <summary>What a customer's complaint tells.</summary>
public sealed record Complaint(string Name, string Town, string Item, string Fault, string Day, string Code)
{
    public static Complaint Make(Draw draw) =>
        new(Coin.Name(draw), Coin.Name(draw), draw.Of(Words.Goods), draw.Of(Words.Faults), draw.Of(Words.Days), Coin.Code(draw));

    /// <summary>Replaces {name}, {town}, {item}, {fault}, {day} and {code}.</summary>
    public string Fill(string template) => new StringBuilder(template)
        .Replace("{name}", Name).Replace("{town}", Town).Replace("{item}", Item)
        .Replace("{fault}", Fault).Replace("{day}", Day).Replace("{code}", Code).ToString();
}

/// <summary>The sentences in which one kind of writer complains. A letter has one of each of its lists.</summary>
public sealed record LetterStyle
{
    public required string[] Names { get; init; }
    public required string[] Faults { get; init; }
    public required string[] Codes { get; init; }
    public string[] Towns { get; init; } = [];
    public string[] Days { get; init; } = [];

    /// <summary>Sentences that tell nothing.</summary>
    public string[] Fillers { get; init; } = [];

    /// <summary>The complaint as a letter, sentences in random order; each of the optional ones is there in half of the letters.</summary>
    public string Write(Complaint complaint, Draw draw)
    {
        string[][] always = [Names, Faults, Codes];
        var optional = new[] { Towns, Days, Fillers }.Where(list => list.Length > 0 && draw.Chance(50));
        var sentences = draw.Shuffle(always.Concat(optional)).Select(draw.Of);
        return complaint.Fill(string.Join(' ', sentences));
    }
}
