using FineTuneService.Demo.World;

namespace FineTuneService.Demo.Tenants;

/// <summary>
/// Extraction from unseen text: a repair shop's letters become JSON with the shop's own keys. The customer and the reference of
/// a held-out row occur in no training row; letters have misleading sentences, of another day and another town.
/// </summary>
public static class ComplaintDesk
{
    private const ulong Seed = 20_002;

    private static readonly LetterStyle Style = new()
    {
        Names =
        [
            "{name} is my name.", "I, {name}, write to you.", "Greetings from {name}.", "From {name}.", "You know me, I am {name}.",
            "Ask for {name}.", "Signed, {name}.", "Here is {name} again.",
        ],
        Faults =
        [
            "Again the {item} is {fault}.", "The {item} you sent is {fault}.", "Now my {item} is {fault} too.",
            "Can you mend a {fault} {item}?", "I bring you a {fault} {item}.", "Why is my {item} {fault}?",
            "A {item} should not be {fault}.", "It is about a {item}, it is {fault}.",
        ],
        Codes =
        [
            "See {code}.", "My paper says {code}.", "You gave me {code}.", "Number {code} please.", "The bill is {code}.",
            "It was {code}, I think.", "Find it under {code}.", "I hold {code}.",
        ],
        Towns = ["I come from {town}.", "The road from {town} is long.", "I will be in {town}."],
        Days = ["I can come on {day}.", "On {day} it was well.", "Call me on {day}."],
        Fillers = ["Do hurry.", "What will it cost?", "I like your shop.", "It is not the first time."],
    };

    public static TenantTask Make() =>
        TenantTask.Of("dalmer-repairs", "complaint-desk", train: 1000, validation: 50, heldOut: 120, Examples(new Draw(Seed)));

    private static IEnumerable<Example> Examples(Draw draw)
    {
        var letters = new List<string>();
        while (true)
        {
            var complaint = Complaint.Make(draw);
            if (letters.Any(text => text.Contains(complaint.Name) || text.Contains(complaint.Code)))
                continue;
            letters.Add(Style.Write(complaint, draw));
            yield return new Example(letters[^1], Layout.Json(
                [("customer", complaint.Name), ("reference", complaint.Code), ("product", complaint.Item), ("issue", complaint.Fault)]));
        }
    }
}
