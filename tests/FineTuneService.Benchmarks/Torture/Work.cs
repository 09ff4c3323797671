using System.Text.Json.Nodes;
using FineTuneService.Benchmarks.Soak;
using FineTuneService.Hosting;

namespace FineTuneService.Benchmarks.Torture;

/// <summary>What brings the service into a phase, again and again until it is gone; beside it another tenant chats. What is answered is noted.</summary>
internal sealed class Work(Tenants tenants, Acknowledged acknowledged, ServiceUnderTest service, int turn, Random random)
{
    private readonly (string Key, Recipe Recipe, string File) _tenant = tenants[turn], _beside = tenants[turn + 1];

    /// <summary>Ends when the service has.</summary>
    public Task UntilGone(Phase phase) => Task.WhenAll(Chat(), phase switch
    {
        Phase.Upload => Upload(),
        Phase.Merge => Merge(),
        _ => Train(),
    });

    private async Task Upload()
    {
        using TortureClient client = new(service.Address, _tenant.Key);
        do
        {
            byte[] bytes = new byte[random.Next(100_000, 4_000_000)];
            random.NextBytes(bytes);
            await Upload(client, new SlowContent(bytes), bytes);
        }
        while (!service.HasExited);
    }

    private async Task Upload(TortureClient client, HttpContent content, byte[] bytes)
    {
        if (await client.Upload(content, "torture.bin") is { } file) acknowledged.Keep(file, _tenant.Key, bytes);
    }

    /// <summary>A job of each of two tenants, and another of the first when its has ended.</summary>
    private async Task Train()
    {
        using TortureClient client = new(service.Address, _tenant.Key), other = new(service.Address, _beside.Key);
        byte[] bytes = new byte[random.Next(1, 200_000)];
        random.NextBytes(bytes);
        await Upload(client, new ByteArrayContent(bytes), bytes);
        Task<string?> beside = Create(other, _beside);
        while (await Create(client, _tenant) is { } job && await Recipe.Ended(client, job) is not null)
        {
        }
        await beside;
    }

    private async Task<string?> Create(TortureClient client, (string Key, Recipe Recipe, string File) tenant)
    {
        if (await client.Post("/v1/fine_tuning/jobs", tenant.Recipe.Job(tenant.File)) is not { } made) return null;
        acknowledged.Keep(made, tenant.Key, tenant.Recipe);
        return (string)made["id"]!;
    }

    private async Task Merge()
    {
        using TortureClient client = new(service.Address, _tenant.Key);
        JsonNode? adapter = (await client.Get("/v1/adapters?order=asc&limit=1"))?["data"]?[0];
        while (!service.HasExited)
        {
            if (await client.Post($"/v1/adapters/{adapter?["id"]}/merge", new { suffix = "tortured" }) is { } merged) acknowledged.Keep(merged, _tenant.Key);
            else await Task.Delay(5);
        }
    }

    /// <summary>Answers are under way, too.</summary>
    private async Task Chat()
    {
        using TortureClient client = new(service.Address, _beside.Key);
        while (!service.HasExited)
        {
            if (Tenants.Said(await client.Post("/v1/chat/completions", Tenants.Chat)) is { } said && said != tenants.Answer) acknowledged.Fault($"a chat was answered \"{said}\", and undisturbed \"{tenants.Answer}\"");
            await Task.Delay(50);
        }
    }
}
