using System.Diagnostics;
using System.Net;
using FineTuneService.Demo.Tenants;
using FineTuneService.Demo.World;

namespace FineTuneService.Demo.Client;

/// <summary>Two customers' datasets become two adapters on one frozen base model, all over HTTP.</summary>
internal sealed class DemoRun(Uri address, string adminKey)
{
    private const string BaseModel = "talers-2m";

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Scoreboard _scores = new();

    /// <returns>The process's exit code: 0 when everything holds that is promised.</returns>
    public async Task<int> RunAsync()
    {
        using var admin = new ServiceClient(address, adminKey);
        using var prices = await Customer.CreateAsync(admin, address, PriceDesk.Make());
        using var complaints = await Customer.CreateAsync(admin, address, ComplaintDesk.Make());
        Customer[] customers = [prices, complaints];

        await QueueJobsAsync(customers);
        await TrainAsync(customers);
        var merged = await MergeAsync(prices);
        await ScoreAsync(prices, complaints, merged);
        await CompareSizesAsync(admin, prices);
        await SwapAsync(prices, complaints);
        await ProveIsolationAsync(prices, complaints);
        return Conclude();
    }

    private async Task QueueJobsAsync(Customer[] customers)
    {
        Say("Two tenants upload their datasets and queue a QLoRA job each");
        foreach (var customer in customers)
        {
            await customer.UploadAsync();
            Console.WriteLine($"  {customer.Task.Tenant}: \"{customer.Task.Train[0].Prompt}\" → {customer.Task.Train[0].Answer}");
            Console.WriteLine($"  estimate: {(await customer.EstimateAsync(BaseModel)).ToJsonString()}");
        }
        foreach (var customer in customers)
            await customer.QueueJobAsync(BaseModel);
    }

    private async Task TrainAsync(Customer[] customers)
    {
        Say("The jobs run one behind the other, and chat goes on");
        using var stop = new CancellationTokenSource();
        var chat = new ChatDuringTraining(customers[0].Api, BaseModel);
        var chatting = chat.RunAsync(stop.Token);
        foreach (var customer in customers)
        {
            await JobWatch.FollowAsync(customer);
            await customer.TakeAdapterAsync();
        }
        await stop.CancelAsync();
        await chatting;
        Console.WriteLine($"  meanwhile {chat}");
        foreach (var c in customers)
            Console.WriteLine($"  {c.Task.Suffix}: validation loss {c.ValidationLoss.Before:F3} before, {c.ValidationLoss.After:F3} after");
    }

    private async Task<string> MergeAsync(Customer customer)
    {
        Say($"{customer.Task.Tenant} merges its adapter into a model of its own");
        var merged = (string)(await customer.Api.PostAsync($"/v1/adapters/{customer.AdapterId}/merge", new { }))["id"]!;
        Console.WriteLine($"  {merged}");
        return merged;
    }

    private async Task ScoreAsync(Customer prices, Customer complaints, string merged)
    {
        Say($"Held-out rows: {prices.Task.HeldOut.Count} and {complaints.Task.HeldOut.Count}, none of them in the training data");
        var general = WorldText.Questions(seed: 99, count: 60);
        foreach (var (name, api, model) in new[]
        {
            ("base", prices.Api, BaseModel), ("adapter " + prices.Task.Suffix, prices.Api, prices.Model),
            ("adapter " + complaints.Task.Suffix, complaints.Api, complaints.Model), ("merged " + prices.Task.Suffix, prices.Api, merged),
        })
        {
            foreach (var task in new[] { prices.Task, complaints.Task })
                _scores.Add(name, task.Suffix, await ExactMatch.ShareAsync(api, model, task.HeldOut));
            var remembered = general.Select(turn => new Example(turn.User, turn.Assistant)).ToArray();
            _scores.Add(name, "base's own", await ExactMatch.ShareAsync(api, model, remembered));
        }
        _scores.Print();
        Console.WriteLine("  The last column is what the base was pre-trained for: what an adapter makes it forget.");

        foreach (var task in new[] { prices.Task, complaints.Task })
            _scores.DemandAtMost(0.05, "base", task.Suffix);
        _scores.DemandAtMost(0.10, "adapter " + complaints.Task.Suffix, prices.Task.Suffix);
        _scores.DemandAtMost(0.10, "adapter " + prices.Task.Suffix, complaints.Task.Suffix);
        _scores.DemandAtLeast(0.90, "adapter " + prices.Task.Suffix, prices.Task.Suffix);
        _scores.DemandAtLeast(0.90, "merged " + prices.Task.Suffix, prices.Task.Suffix);
        _scores.DemandAtLeast(0.50, "adapter " + complaints.Task.Suffix, complaints.Task.Suffix);
    }

    private async Task CompareSizesAsync(ServiceClient admin, Customer customer)
    {
        Say("What a customer costs to store");
        var adapter = (await customer.Api.DownloadAsync($"/v1/adapters/{customer.AdapterId}/content")).Length;
        var model = await admin.GetAsync($"/v1/models/{BaseModel}");
        Console.WriteLine($"  adapter, as PEFT zip: {adapter:N0} bytes; base: {model["bytes"]} bytes");
    }

    private static async Task SwapAsync(Customer a, Customer b)
    {
        Say("Swapping adapters between two requests");
        var (same, other) = await SwapTime.MeasureAsync((a.Api, a.Model), (b.Api, b.Model));
        Console.WriteLine($"  one token: {same:F1} ms after a request with the same adapter, {other:F1} ms after one with the other");
    }

    private async Task ProveIsolationAsync(Customer a, Customer b)
    {
        Say($"{b.Task.Tenant} tries to use what is {a.Task.Tenant}'s");
        Expect404($"GET /v1/adapters/{a.AdapterId}", await b.Api.StatusOfGetAsync($"/v1/adapters/{a.AdapterId}"));
        Expect404($"chat with {a.Model}", await b.Api.StatusOfPostAsync(
            "/v1/chat/completions", ServiceClient.ChatBody(a.Model, "Hello", maxTokens: 1)));
        Expect404($"GET /v1/fine_tuning/jobs/{a.JobId}", await b.Api.StatusOfGetAsync($"/v1/fine_tuning/jobs/{a.JobId}"));
    }

    private void Expect404(string call, HttpStatusCode status)
    {
        Console.WriteLine($"  {call}: {(int)status}");
        _scores.Demand(status == HttpStatusCode.NotFound, $"{call} is 404 for another tenant, not {(int)status}");
    }

    private int Conclude()
    {
        foreach (var promise in _scores.Broken)
            Console.WriteLine($"NOT HELD: {promise}");
        Console.WriteLine(_scores.Broken.Count == 0
            ? $"\nEverything holds. {_clock.Elapsed.TotalSeconds:F0} s."
            : $"\n{_scores.Broken.Count} promises are not held. {_clock.Elapsed.TotalSeconds:F0} s.");
        return _scores.Broken.Count == 0 ? 0 : 1;
    }

    private static void Say(string what) => Console.WriteLine($"\n{what}");
}
