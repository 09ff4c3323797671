using System.Globalization;
using System.Text.Json;
using FineTuneService.Demo.Client;
using FineTuneService.Demo.Recipe;
using FineTuneService.Demo.Tenants;
using FineTuneService.Demo.World;

// Figures are written as everywhere, whatever language the machine speaks.
CultureInfo.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
switch (args)
{
    case ["demo"]:
        await using (var service = await ServiceProcess.StartAsync())
            return await new DemoRun(service.Address, service.AdminKey).RunAsync();

    case ["train-base", var folder, .. var steps]:
        BaseRecipe.Run(folder, steps.Length > 0 ? int.Parse(steps[0]) : BaseRecipe.DefaultSteps);
        return 0;

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
            usage: demo                         starts the service and shows two customers' way from dataset to tuned answers
                   train-base FOLDER [STEPS]    makes the embedded base model from nothing
                   text COUNT                   prints conversations of the text that the base model learns from, one a line
                   datasets FOLDER              writes the two tenants' datasets
            """);
        return 2;
}
