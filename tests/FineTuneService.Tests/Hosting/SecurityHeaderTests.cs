namespace FineTuneService.Tests.Hosting;

public sealed class SecurityHeaderTests(TestService service) : IClassFixture<TestService>
{
    [Theory]
    [InlineData("/v1/models")] // Refused: there is no key.
    [InlineData("/v1/nothing")]
    [InlineData("/healthz")]
    [InlineData("/swagger/index.html")]
    public async Task EveryAnswer_ToABrowser_SaysThatItIsNoPageToFrameOrGuessAt(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Origin", "https://elsewhere.example" } } };
        using HttpResponseMessage answer = await service.CreateClient().SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(("nosniff", "DENY"), (answer.Headers.GetValues("X-Content-Type-Options").Single(), answer.Headers.GetValues("X-Frame-Options").Single()));
        Assert.DoesNotContain(answer.Headers, header => header.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));
        if (path.StartsWith("/v1/", StringComparison.Ordinal)) Assert.True(answer.Headers.CacheControl?.NoStore);
    }
}
