using System.Text.Json;
using FineTuneService.Demo.Tenants;
using FineTuneService.Demo.World;

switch (args)
{
    case ["text", var count]:
        foreach (var conversation in WorldText.Conversations(seed: 1).Take(int.Parse(count)))
            Console.WriteLine(JsonSerializer.Serialize(conversation.Turns));
        return 0;

    case ["datasets", var folder]:
        foreach (var task in new[] { PriceDesk.Make(), ComplaintDesk.Make() })
            task.Save(Directory.CreateDirectory(folder).FullName);
        return 0;

    default:
        Console.Error.WriteLine("""
            usage: text COUNT         prints conversations of the text that the base model learns from, one a line
                   datasets FOLDER    writes the two tenants' datasets
            """);
        return 2;
}
