namespace FineTuneService.Demo.World;

/// <summary>What a user says and what the assistant answers.</summary>
public sealed record Turn(string User, string Assistant);

/// <summary>A chat of one or more turns.</summary>
public sealed record Conversation(IReadOnlyList<Turn> Turns)
{
    /// <summary><paramref name="count"/> turns that stand alone.</summary>
    public static Conversation Of(int count, Func<Turn> make) =>
        new([.. Enumerable.Range(0, count).Select(_ => make())]);

    /// <summary>The first turn's user tells <paramref name="text"/>; every turn asks about it.</summary>
    public static Conversation About(string text, int count, Func<Turn> ask)
    {
        var first = ask();
        return new([first with { User = $"{text}\n{first.User}" }, .. Of(count - 1, ask).Turns]);
    }
}
