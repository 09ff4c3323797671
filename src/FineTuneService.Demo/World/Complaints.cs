namespace FineTuneService.Demo.World;

/// <summary>A letter, then questions about it: a sentence of regret, single values, JSON, or columns.</summary>
public static class Complaints
{
    private static readonly LetterStyle Style = new()
    {
        Names =
        [
            "I am {name}.", "My name is {name}.", "{name} here.", "Yours, {name}.", "This is {name}.", "Call me {name}.",
            "Best wishes, {name}.", "It is {name} who writes.", "Thank you, {name}.", "They call me {name}.",
        ],
        Faults =
        [
            "My {item} is {fault}.", "The {item} came {fault}.", "I have a {fault} {item}.", "You sold me a {fault} {item}.",
            "The {item} was {fault}.", "Your {item} is {fault}.", "I found the {item} {fault}.", "What a {fault} {item}!",
            "The new {item} is {fault}.", "I got a {item} and it is {fault}.",
        ],
        Codes =
        [
            "My order is {code}.", "Order {code}.", "The order was {code}.", "It is order {code}.", "I ordered it as {code}.",
            "Look at order {code}.", "The code is {code}.", "It has the code {code}.", "Please check {code}.",
        ],
        Towns =
        [
            "I live in {town}.", "I write from {town}.", "My town is {town}.", "Send a new one to {town}.", "It is for {town}.",
        ],
        Days =
        [
            "I bought it on {day}.", "It came on {day}.", "That was {day}.", "I saw it on {day}.", "It is so since {day}.",
        ],
        Fillers =
        [
            "Please help.", "I am not happy.", "What can you do?", "I want a new one.", "It was a gift.", "I need it soon.",
        ],
    };

    public static Conversation Make(Draw draw)
    {
        var complaint = Complaint.Make(draw);
        var letter = Style.Write(complaint, draw);
        Field[] told =
        [
            new(["name", "owner"], "Who writes?", complaint.Name),
            new(["item", "goods"], "What is it about?", complaint.Item),
            new(["fault", "matter"], "What is wrong?", complaint.Fault),
            new(["order", "code"], "Which order?", complaint.Code),
            .. letter.Contains(complaint.Town) ? [new(["town", "place"], "Which town?", complaint.Town)] : (Field[])[],
            .. letter.Contains(complaint.Day) ? [new(["day", "date"], "Which day?", complaint.Day)] : (Field[])[],
        ];
        if (!draw.Chance(20))
            return Conversation.About(letter, 3, () => Ask(told, draw));
        var regret = complaint.Fill("I am sorry that the {item} is {fault}, {name}.");
        return new Conversation([new Turn(letter, regret), Ask(told, draw)]);
    }

    private static Turn Ask(Field[] told, Draw draw)
    {
        if (draw.Chance(30))
        {
            var one = draw.Of(told);
            return new Turn(draw.Chance(50) ? one.Question : Coin.Capitalise(draw.Of(one.Keys)) + "?", one.Value);
        }
        var fields = draw.Some(draw.Between(2, 4), told).Select(f => (Key: draw.Of(f.Keys), f.Value)).ToArray();
        return Layout.Ask(fields, draw);
    }

    private sealed record Field(string[] Keys, string Question, string Value);
}
