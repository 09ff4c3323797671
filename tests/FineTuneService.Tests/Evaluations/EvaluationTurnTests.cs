using System.Net.Http.Json;

namespace FineTuneService.Tests.Evaluations;

/// <summary>Evaluations of several tenants, and of a client that leaves.</summary>
public sealed class EvaluationTurnTests(TestService service) : IClassFixture<TestService>
{
    private const int Many = 2000;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Evaluate_AnotherTenantsLongOne_DoesNotWaitForIt()
    {
        HttpClient loud = service.With(await service.NewTenant("long-evaluation")), quiet = service.With(await service.NewTenant("short-evaluation"));
        object few = new { models = new[] { TestService.BaseModel }, file = await quiet.Upload(EvaluationTests.Chat(6)) };
        await quiet.Post("/v1/evaluations", few);
        Task<HttpResponseMessage>[] slow = await Start(loud, count: 3);
        await quiet.Post("/v1/evaluations", few).WaitAsync(Soon, TestContext.Current.CancellationToken);
        Assert.Contains(slow, evaluation => !evaluation.IsCompleted);
        foreach (Task<HttpResponseMessage> evaluation in slow) Assert.True((await evaluation).IsSuccessStatusCode);
    }

    [Fact]
    public async Task Evaluate_ClientLeaves_TheNextBeginsAtOnce()
    {
        HttpClient client = service.With(await service.NewTenant("leaves"));
        using var leaves = new CancellationTokenSource();
        Task<HttpResponseMessage>[] left = await Start(client, count: 40, leaves.Token);
        await leaves.CancelAsync();
        foreach (Task<HttpResponseMessage> evaluation in left) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => evaluation);
        object few = new { models = new[] { TestService.BaseModel }, file = await client.Upload(EvaluationTests.Chat(6)) };
        await client.Post("/v1/evaluations", few).WaitAsync(Soon, TestContext.Current.CancellationToken);
    }

    private static async Task<Task<HttpResponseMessage>[]> Start(HttpClient client, int count, CancellationToken cancel = default)
    {
        object body = new { models = new[] { TestService.BaseModel }, file = await client.Upload(EvaluationTests.Chat(Many)) };
        Task<HttpResponseMessage>[] begun = [.. Enumerable.Range(0, count).Select(_ => client.PostAsJsonAsync("/v1/evaluations", body, cancel))];
        await Task.Delay(200, TestContext.Current.CancellationToken);
        return begun;
    }
}
