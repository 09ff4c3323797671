using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Completions;

/// <summary>Many requests over HTTP leave nothing behind.</summary>
public sealed class SoakTests(TestService service) : IClassFixture<TestService>
{
    private const long Slack = 16 << 20;

    [Fact]
    public async Task Requests_ThousandOfMixedKinds_KeepTensorsAndMemoryFlat()
    {
        HttpClient client = service.With(await service.NewTenant("soak"));
        string file = await client.Upload(string.Concat(Enumerable.Repeat("""{"prompt": "one two", "completion": " three"}""" + "\n", 10)));
        string first = await Tune(client, file), second = await Tune(client, file);
        Func<int, Task>[] kinds =
        [
            i => Chat(client, TestService.BaseModel, i),
            i => Chat(client, first, i),
            i => Chat(client, second, i),
            i => client.Post("/v1/completions", new { model = i % 2 == 0 ? TestService.BaseModel : first, prompt = $"one {i % 10}", max_tokens = 4 }),
            i => Stream(client, i % 2 == 0 ? TestService.BaseModel : second, i),
        ];
        async Task Ask(int count)
        {
            // In pairs, so that batches of different adapters meet too.
            for (int i = 0; i < count; i += 2) await Task.WhenAll(kinds[i % kinds.Length](i), kinds[(i + 1) % kinds.Length](i + 1));
        }
        await Ask(100);
        Footprint warm = await Footprint.Take();
        await Ask(500);
        Footprint middle = await Footprint.Take();
        await Ask(500);
        Footprint end = await Footprint.Take();
        // A leak grows in both halves; a buffer for batches that had not met before, or what the runtime takes for itself, is taken once.
        Assert.InRange(Math.Min(middle.Tensors - warm.Tensors, end.Tensors - middle.Tensors), long.MinValue, 0);
        Assert.InRange(Math.Min(middle.Resident - warm.Resident, end.Resident - middle.Resident), long.MinValue, Slack);
    }

    private static async Task<string> Tune(HttpClient client, string file)
    {
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, lora = new { rank = 2 }, training = new { max_steps = 2 } });
        return (string)(await client.Ended((string)job["id"]!))["fine_tuned_model"]!;
    }

    private static object Question(string model, int i, bool stream) =>
        new { model, messages = new[] { new { role = "user", content = $"say {i % 10}" } }, max_tokens = 1 + i % 4, stream };

    private static Task Chat(HttpClient client, string model, int i) => client.Post("/v1/chat/completions", Question(model, i, stream: false));

    private static async Task Stream(HttpClient client, string model, int i)
    {
        HttpResponseMessage answer = await client.PostAsJsonAsync("/v1/chat/completions", Question(model, i, stream: true));
        Assert.EndsWith("data: [DONE]\n\n", await answer.Content.ReadAsStringAsync());
    }
}
