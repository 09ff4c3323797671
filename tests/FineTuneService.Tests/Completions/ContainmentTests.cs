using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Completions;

/// <summary>What one tenant's model does reaches no other answer, and is never taken for one.</summary>
public sealed class ContainmentTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public async Task Chat_AdapterWhoseOutputIsNotFinite_IsAnErrorAndOthersAnswerOn()
    {
        HttpClient bad = service.With(await service.NewTenant("poison")), good = service.With(await service.NewTenant("beside-poison"));
        string poisoned = (string)(await bad.UploadAdapter(1, poison: 1e30f))["model"]!, own = (string)(await good.UploadAdapter(2))["model"]!;
        string ofBase = await good.Chat(TestService.BaseModel), ofOwn = await good.Chat(own);
        for (int round = 0; round < 3; round++)
        {
            Task<HttpResponseMessage> poisonedAnswer = bad.PostAsJsonAsync("/v1/chat/completions", MadeAdapter.Question(poisoned, 20, "say one", temperature: round));
            Task<string> first = good.Chat(TestService.BaseModel), second = good.Chat(own);
            JsonNode error = await poisonedAnswer.Error(HttpStatusCode.UnprocessableEntity);
            Assert.Equal("non_finite_output", (string?)error["code"]);
            Assert.Equal(ofBase, await first);
            Assert.Equal(ofOwn, await second);
        }
    }

    [Fact]
    public async Task Chat_StreamWhoseOutputIsNotFinite_EndsWithAnErrorAndWithoutDone()
    {
        HttpClient client = service.With(await service.NewTenant("poisoned-stream"));
        string poisoned = (string)(await client.UploadAdapter(1, poison: 1e30f))["model"]!;
        string[] events = await client.Streamed(poisoned);
        Assert.Equal("non_finite_output", (string?)JsonNode.Parse(events[^1])!["error"]!["code"]);
        Assert.DoesNotContain(events, line => line.Contains("\"stop\"") || line == "[DONE]");
        Assert.Equal("[DONE]", (await client.Streamed(TestService.BaseModel))[^1]);
    }

    [Fact]
    public async Task Delete_AdapterThatAnswers_LetsItsAnswersEndAndIsGone()
    {
        HttpClient client = service.With(await service.NewTenant("delete-busy"));
        for (int round = 0; round < 4; round++)
        {
            JsonNode adapter = await client.UploadAdapter(round);
            string model = (string)adapter["model"]!;
            Task<HttpResponseMessage>[] answers = [.. Enumerable.Range(0, 6).Select(i =>
                client.PostAsJsonAsync("/v1/chat/completions", MadeAdapter.Question(model, 150, $"Repeat: {i}", 0, stream: true)))];
            await Task.Delay(30 * round, TestContext.Current.CancellationToken);
            HttpResponseMessage deleted = await client.DeleteAsync($"/v1/adapters/{adapter["id"]}", TestContext.Current.CancellationToken);
            Assert.True(deleted.IsSuccessStatusCode || deleted.StatusCode == HttpStatusCode.Conflict, deleted.ToString());
            foreach (Task<HttpResponseMessage> answer in answers)
            {
                // A request that came too late finds no model; one that was begun ends whole, or says that it did not.
                string body = await (await answer).Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                if ((await answer).IsSuccessStatusCode) Assert.True(body.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal) || body.Contains("\"error\""), body);
                else await answer.Error(HttpStatusCode.NotFound);
            }
        }
        Assert.NotEmpty(await client.Chat(TestService.BaseModel, question: "Repeat: red stone"));
    }

    [Fact]
    public async Task Complete_TextThatCannotFit_IsRefusedBeforeItIsTokenised()
    {
        HttpClient client = service.With(await service.NewTenant("huge"));
        string huge = string.Concat(Enumerable.Repeat("stone and river ", 1 << 20));
        var clock = System.Diagnostics.Stopwatch.StartNew();
        JsonNode error = await client.PostAsJsonAsync("/v1/completions", new { model = TestService.BaseModel, prompt = huge, max_tokens = 1 }).Error(HttpStatusCode.BadRequest);
        Assert.Equal("context_length_exceeded", (string?)error["code"]);
        Assert.Contains("at least", (string?)error["message"]);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 10);
    }
}
