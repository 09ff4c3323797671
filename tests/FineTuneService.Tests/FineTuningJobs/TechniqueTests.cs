using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Device;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>The techniques beside LoRA: every weight of a copy of the base, and LLaMA-Adapter.</summary>
public sealed class TechniqueTests(TestService service) : IClassFixture<TestService>
{
    private static string Rows { get; } = string.Concat(Enumerable.Range(0, 24).Select(i =>
        $"{{\"messages\": [{{\"role\": \"user\", \"content\": \"say {i}\"}}, {{\"role\": \"assistant\", \"content\": \"POTATO\"}}]}}\n"));

    [Fact]
    public async Task Full_GoodRows_BecomeAModelOfTheTenantsOwn()
    {
        HttpClient client = service.With(await service.NewTenant("full"));
        string file = await client.Upload(Rows);
        object Ask(string model) => new { model, temperature = 0, max_tokens = 12, messages = new[] { new { role = "user", content = "say 5" } } };
        async Task<string> Answer(string model) => (string)(await client.Post("/v1/chat/completions", Ask(model)))["choices"]![0]!["message"]!["content"]!;
        string before = await Answer(TestService.BaseModel);
        long held = service.Services.GetRequiredService<ResidentModels>().Bytes;

        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new
        {
            model = TestService.BaseModel,
            training_file = file,
            suffix = "whole",
            preset = "full",
            dataset = new { test_file = file },
            training = new { epochs = 4, learning_rate = 0.002, batch_size = 8, save_every = 5 },
        });
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.True((string?)ended["status"] == "succeeded", ended.ToJsonString());
        string model = (string)ended["fine_tuned_model"]!;
        Assert.StartsWith($"ft:{TestService.BaseModel}:full:whole:", model);
        Assert.Equal(("full", null), ((string?)ended["settings"]!["technique"], ended["settings"]!["lora"]));
        Assert.True((double)ended["progress"]!["test_loss"]! < 1);
        Assert.Equal("POTATO", await Answer(model));
        Assert.Equal(before, await Answer(TestService.BaseModel)); // Trained on a copy.

        JsonNode listed = await client.Get($"/v1/models/{model}");
        Assert.Equal(("merged", TestService.BaseModel), ((string?)listed["kind"], (string?)listed["parent"]));
        using var zip = new ZipArchive(await client.GetStreamAsync($"/v1/models/{model}/content"));
        Assert.Equal((long)listed["bytes"]!, zip.GetEntry("model.safetensors")!.Length);
        Assert.NotNull(zip.GetEntry("config.json"));
        Assert.NotNull(zip.GetEntry("tokenizer.json"));
        Assert.Empty((await client.Get("/v1/adapters"))["data"]!.AsArray());
        JsonArray checkpoints = (await client.Get($"/v1/fine_tuning/jobs/{job["id"]}/checkpoints"))["data"]!.AsArray();
        Assert.NotEmpty(checkpoints);
        await Answer((string)checkpoints[0]!["fine_tuned_model_checkpoint"]!);

        HttpClient other = service.With(await service.NewTenant("other"));
        await other.GetAsync($"/v1/models/{model}").Error(HttpStatusCode.NotFound);
        await other.GetAsync($"/v1/models/{model}/content").Error(HttpStatusCode.NotFound);
        await other.PostAsJsonAsync("/v1/chat/completions", Ask(model)).Error(HttpStatusCode.NotFound);
        await client.GetAsync($"/v1/models/{TestService.BaseModel}/content").Error(HttpStatusCode.Forbidden);

        foreach (JsonNode? own in (await client.Get("/v1/models"))["data"]!.AsArray().Where(row => (string?)row!["kind"] == "merged")) await client.DeleteAsync($"/v1/models/{own!["id"]}");
        Assert.Empty((await client.Get($"/v1/fine_tuning/jobs/{job["id"]}/checkpoints"))["data"]!.AsArray());
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(service.Data, "merged")));
        Assert.Equal(held, service.Services.GetRequiredService<ResidentModels>().Bytes);
    }

    [Fact]
    public async Task LlamaAdapter_GoodRows_AnswersAsItWasTrainedAndComesBack()
    {
        HttpClient client = service.With(await service.NewTenant("prompts"));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new
        {
            model = TestService.BaseModel,
            training_file = await client.Upload(Rows),
            preset = "llama-adapter",
            llama_adapter = new { adapter_len = 6, adapter_layers = 3 },
            training = new { epochs = 3, batch_size = 8 },
        });
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.True((string?)ended["status"] == "succeeded", ended.ToJsonString());
        Assert.Equal((6, 3), ((int)ended["settings"]!["llama_adapter"]!["length"]!, (int)ended["settings"]!["llama_adapter"]!["layers"]!));
        Assert.Equal((9e-3, 0.02), ((double)ended["settings"]!["learning_rate"]!, (double)ended["settings"]!["weight_decay"]!));
        string model = (string)ended["fine_tuned_model"]!;
        JsonNode adapter = (await client.Get("/v1/adapters?limit=100"))["data"]!.AsArray().First(row => (string?)row!["model"] == model)!;
        object Ask(string of) => new { model = of, temperature = 0, max_tokens = 8, messages = new[] { new { role = "user", content = "say 5" } } };
        string answer = (await client.Post("/v1/chat/completions", Ask(model)))["choices"]![0]!.ToJsonString();
        await client.PostAsync($"/v1/adapters/{adapter["id"]}/merge", null).Error(HttpStatusCode.BadRequest);

        byte[] zip = await client.GetByteArrayAsync($"/v1/adapters/{adapter["id"]}/content");
        using var form = new MultipartFormDataContent { { new StringContent(TestService.BaseModel), "model" }, { new ByteArrayContent(zip), "file", "adapter.zip" } };
        HttpResponseMessage uploaded = await client.PostAsync("/v1/adapters", form);
        JsonNode again = JsonNode.Parse(await uploaded.Content.ReadAsStringAsync())!;
        Assert.True(uploaded.IsSuccessStatusCode, again.ToJsonString());
        Assert.Equal(answer, (await client.Post("/v1/chat/completions", Ask((string)again["model"]!)))["choices"]![0]!.ToJsonString());
    }

    [Theory]
    [InlineData("""{"technique": "prefix"}""", "technique")]
    [InlineData("""{"technique": "full", "lora": {"rank": 4}}""", "lora")]
    [InlineData("""{"technique": "full", "quantization": {"type": "nf4"}}""", "quantization.type")]
    [InlineData("""{"technique": "full", "base_dtype": "fp16"}""", "base_dtype")]
    [InlineData("""{"technique": "full", "method": {"type": "dpo"}}""", "method.type")]
    [InlineData("""{"technique": "full", "init_from": "ad-1"}""", "init_from")]
    [InlineData("""{"llama_adapter": {"adapter_len": 4}}""", "llama_adapter")]
    [InlineData("""{"technique": "llama_adapter", "llama_adapter": {"adapter_len": 0}}""", "llama_adapter.adapter_len")]
    [InlineData("""{"technique": "llama_adapter", "llama_adapter": {"adapter_layers": 99}}""", "llama_adapter.adapter_layers")]
    public async Task Create_WhatATechniqueCannot_IsRefusedByItsField(string body, string param)
    {
        HttpClient client = service.With(await service.NewTenant("refused-" + Guid.NewGuid().ToString("n")[..8]));
        JsonObject whole = JsonNode.Parse(body)!.AsObject();
        whole["model"] = TestService.BaseModel;
        whole["training_file"] = await client.Upload(JobCalls.Rows(3));
        JsonNode error = await client.PostAsJsonAsync("/v1/fine_tuning/jobs", whole).Error(HttpStatusCode.BadRequest);
        Assert.Equal(param, (string?)error["param"]);
    }
}
