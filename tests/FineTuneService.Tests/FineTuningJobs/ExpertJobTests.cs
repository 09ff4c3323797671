using System.Text.Json.Nodes;
using FineTuneService.Engine.Tests;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>Jobs on a mixture of experts that train pairs of matrices for each expert (target_parameters).</summary>
public sealed class ExpertJobTests(TestService service) : IClassFixture<TestService>
{
    /// <summary>The golden models that have experts.</summary>
    public static TheoryData<string> Mixtures => [.. Shared.Entries("golden/models").Select(row => row.Data).Where(name =>
    {
        string config = Shared.Path("golden", "models", name, "config.json");
        return File.Exists(config) && JsonNode.Parse(File.ReadAllText(config))!.AsObject().Any(entry => entry.Key is "num_experts" or "num_local_experts");
    })];

    [Theory, MemberData(nameof(Mixtures))]
    public async Task Job_TargetParameters_TrainsExpertsAndComesBackEqual(string name)
    {
        string folder = Directory.CreateDirectory(Path.Combine(service.Data, "mixtures", name)).FullName;
        foreach (string file in new[] { "config.json", "model.safetensors" }) File.Copy(Shared.Path("golden", "models", name, file), Path.Combine(folder, file));
        File.Copy(Shared.Path("golden", "tokenizers", "synthetic", "bpe-byte-fallback", "tokenizer.json"), Path.Combine(folder, "tokenizer.json"));
        await service.Admin.Post("/v1/models", new { id = name, folder = folder });
        HttpClient client = service.With(await service.NewTenant("experts-" + name.Replace('_', '-')));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new
        {
            model = name,
            training_file = await client.Upload(JobCalls.Rows(6)),
            lora = new { rank = 4, target_parameters = new[] { "mlp.experts.gate_up_proj", "mlp.experts.down_proj" }, target_modules = new[] { "q_proj" } },
            training = new { max_steps = 6, batch_size = 3, learning_rate = 0.02, warmup = 0 },
        });
        byte[] weights = await client.Weights((string)job["id"]!);
        JsonNode ended = await client.Get($"/v1/fine_tuning/jobs/{job["id"]}"), header = JsonNode.Parse(weights.AsSpan(8, (int)BitConverter.ToInt64(weights)))!;
        Assert.Contains(header.AsObject(), tensor => tensor.Key.Contains(".mlp.experts.lora_B", StringComparison.Ordinal));
        Assert.Contains(header.AsObject(), tensor => tensor.Key.Contains(".mlp.experts.base_layer.lora_B", StringComparison.Ordinal));

        string model = (string)ended["fine_tuned_model"]!;
        async Task<string> Answer(string of) => (await client.Post("/v1/completions", new { model = of, prompt = "count from", max_tokens = 12, temperature = 0, logprobs = 1 }))["choices"]![0]!.ToJsonString();
        string answer = await Answer(model);
        Assert.NotEqual(await Answer(name), answer);
        JsonNode adapter = (await client.Get("/v1/adapters"))["data"]!.AsArray().Single(row => (string?)row!["model"] == model)!;
        byte[] zip = await client.GetByteArrayAsync($"/v1/adapters/{adapter["id"]}/content");
        using var form = new MultipartFormDataContent { { new StringContent(name), "model" }, { new ByteArrayContent(zip), "file", "adapter.zip" } };
        HttpResponseMessage uploaded = await client.PostAsync("/v1/adapters", form);
        JsonNode again = JsonNode.Parse(await uploaded.Content.ReadAsStringAsync())!;
        Assert.True(uploaded.IsSuccessStatusCode, again.ToJsonString());
        Assert.Equal(answer, await Answer((string)again["model"]!));
    }
}
