using System.Diagnostics;
using System.Net;
using FineTuneService.Demo.Tenants;

namespace FineTuneService.Demo.Client;

/// <summary>Two customers' datasets become two adapters on one frozen base model, all over HTTP.</summary>
internal sealed class DemoRun(Uri address, string adminKey)
{
    private const string BaseModel = "talers-2m";

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Promises _promises = new();

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
        Say($"Side by side on held-out rows, {prices.Task.HeldOut.Count} and {complaints.Task.HeldOut.Count}, none of which a job has seen");
        await new Comparison(prices, complaints, BaseModel, merged, _promises).RunAsync();
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
            var estimate = await customer.EstimateAsync(BaseModel);
            Console.WriteLine($"    estimate: {(long)estimate["trainable_parameters"]!:N0} of {(long)estimate["total_parameters"]!:N0} parameters train, {estimate["steps"]} steps, "
                + $"{(long)estimate["tokens"]!:N0} tokens, {(double)estimate["memory"]!["total"]! / 1e6:F1} MB");
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

    private async Task CompareSizesAsync(ServiceClient admin, Customer customer)
    {
        Say("What a customer costs to store");
        var adapter = (await customer.Api.DownloadAsync($"/v1/adapters/{customer.AdapterId}/content")).Length;
        var model = await admin.GetAsync($"/v1/models/{BaseModel}");
        Console.WriteLine($"  adapter, as PEFT zip: {adapter:N0} bytes; base: {(long)model["bytes"]!:N0} bytes");
    }

    private static async Task SwapAsync(Customer a, Customer b)
    {
        Say("Swapping adapters between two requests");
        Console.WriteLine(await SwapTime.MeasureAsync((a.Api, a.Model), (b.Api, b.Model)));
    }

    private async Task ProveIsolationAsync(Customer a, Customer b)
    {
        Say($"{b.Task.Tenant} tries to use what is {a.Task.Tenant}'s");
        Expect404($"GET /v1/adapters/{a.AdapterId}", await b.Api.StatusOfGetAsync($"/v1/adapters/{a.AdapterId}"));
        Expect404($"chat with {a.Model}", await b.Api.StatusOfPostAsync(
            "/v1/chat/completions", ServiceClient.ChatBody(a.Model, "Hello", maxTokens: 1)));
        Expect404($"evaluation of {a.Model}", await b.Api.StatusOfPostAsync(
            "/v1/evaluations", new { models = new[] { a.Model }, file = await b.Api.UploadAsync("own.jsonl", b.Task.HeldOut[0].ToJsonLine()) }));
        Expect404($"GET /v1/fine_tuning/jobs/{a.JobId}", await b.Api.StatusOfGetAsync($"/v1/fine_tuning/jobs/{a.JobId}"));
    }

    private void Expect404(string call, HttpStatusCode status)
    {
        Console.WriteLine($"  {call}: {(int)status}");
        _promises.Demand(status == HttpStatusCode.NotFound, $"{call} is 404 for another tenant, not {(int)status}");
    }

    private int Conclude()
    {
        foreach (var promise in _promises.Broken)
            Console.WriteLine($"NOT HELD: {promise}");
        Console.WriteLine(_promises.Broken.Count == 0
            ? $"\nAll {_promises.Made} promises hold. {_clock.Elapsed.TotalSeconds:F0} s."
            : $"\n{_promises.Broken.Count} of {_promises.Made} promises are not held. {_clock.Elapsed.TotalSeconds:F0} s.");
        return _promises.Broken.Count == 0 ? 0 : 1;
    }

    private static void Say(string what) => Console.WriteLine($"\n{what}");
}
