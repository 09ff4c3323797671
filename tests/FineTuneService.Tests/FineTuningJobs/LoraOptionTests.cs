using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.FineTuningJobs;
using FineTuneService.Models;
using static TorchSharp.torch;
using Wire = FineTuneService.Hosting.Json;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>A small job with each of PEFT's options, and the adapter that comes of it: its config and its tensors' names are PEFT's.</summary>
public sealed class LoraOptionTests(TestService service) : IClassFixture<TestService>
{
    private const string Biased = "talers-biased", Prefix = "base_model.model.", Jobs = "/v1/fine_tuning/jobs";

    private static readonly string[] Attention = ["q_proj", "k_proj", "v_proj", "o_proj"], Mlp = ["gate_proj", "up_proj", "down_proj"];

    private static readonly string[] AllLinear = [.. Layers(0, 1, 2, 3).SelectMany(layer => Attention.Select(name => $"{layer}.self_attn.{name}").Concat(Mlp.Select(name => $"{layer}.mlp.{name}")))];

    /// <summary>Options, the base, and the names that PEFT 0.21 gives the tensors.</summary>
    private static readonly Dictionary<string, (string Base, string Lora, IEnumerable<string> Keys)> Cases = new()
    {
        ["all"] = (TestService.BaseModel, """{"r": 2}""", Pairs(AllLinear)),
        ["dora, rslora"] = (TestService.BaseModel, """{"r": 2, "use_dora": true, "use_rslora": true, "target_modules": ["q_proj"]}""",
            [.. Pairs(Of("self_attn.q_proj")), .. Of("self_attn.q_proj").Select(module => $"{module}.lora_magnitude_vector")]),
        ["bias lora_only"] = (Biased, """{"r": 2, "bias": "lora_only", "target_modules": ["q_proj", "up_proj"]}""",
            [.. Pairs(Of("self_attn.q_proj", "mlp.up_proj")), .. Of("self_attn.q_proj").Select(module => $"{module}.base_layer.bias")]),
        ["bias all"] = (Biased, """{"r": 2, "bias": "all", "target_modules": ["q_proj"]}""",
            [.. Pairs(Of("self_attn.q_proj")), .. Of("self_attn.q_proj").Select(module => $"{module}.base_layer.bias"),
                .. Of("self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj").Select(module => $"{module}.bias")]),
        ["lora_bias"] = (TestService.BaseModel, """{"r": 2, "lora_bias": true, "target_modules": ["v_proj"]}""",
            [.. Pairs(Of("self_attn.v_proj")), .. Of("self_attn.v_proj").Select(module => $"{module}.lora_B.bias")]),
        ["exclude, layers, patterns"] = (TestService.BaseModel,
            """
            {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "down_proj"], "exclude_modules": ["layers.1.mlp.down_proj"], "layers_to_transform": [1, 2], "layers_pattern": ["layers"],
             "rank_pattern": {"layers.2.self_attn.q_proj": 3, "q_proj": 1}, "alpha_pattern": {"down_proj": 32}}
            """,
            Pairs(["model.layers.1.self_attn.q_proj", "model.layers.2.self_attn.q_proj", "model.layers.2.mlp.down_proj"])),
        ["regex"] = (TestService.BaseModel, """{"r": 2, "target_modules": ".*layers\\.[03]\\.self_attn\\.(k|v)_proj", "exclude_modules": ".*3\\..*v_proj"}""",
            Pairs(["model.layers.0.self_attn.k_proj", "model.layers.0.self_attn.v_proj", "model.layers.3.self_attn.k_proj"])),
        ["modules_to_save"] = (TestService.BaseModel, """{"r": 2, "target_modules": ["q_proj"], "modules_to_save": ["lm_head"]}""", [.. Pairs(Of("self_attn.q_proj")), "lm_head.weight"]),
        ["trainable tokens"] = (TestService.BaseModel, """{"r": 2, "target_modules": ["q_proj"], "trainable_token_indices": [5, 900]}""",
            [.. Pairs(Of("self_attn.q_proj")), "model.embed_tokens.token_adapter.trainable_tokens_delta"]),
        ["tokens of modules"] = (TestService.BaseModel, """{"r": 2, "target_modules": ["q_proj"], "trainable_token_indices": {"embed_tokens": [7, 8]}}""",
            [.. Pairs(Of("self_attn.q_proj")), "model.embed_tokens.token_adapter.trainable_tokens_delta"]),
        ["embedding"] = (TestService.BaseModel, """{"r": 2, "target_modules": ["embed_tokens", "q_proj"]}""",
            [.. Pairs(Of("self_attn.q_proj")), "model.embed_tokens.lora_embedding_A", "model.embed_tokens.lora_embedding_B"]),
        ["gaussian"] = (TestService.BaseModel, """{"r": 2, "target_modules": ["q_proj"], "init_lora_weights": "gaussian", "loraplus_lr_ratio": 16}""", Pairs(Of("self_attn.q_proj"))),
        ["pissa"] = (TestService.BaseModel, """{"r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "init_lora_weights": "pissa"}""", Pairs(Of("self_attn.q_proj"))),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Job_WithAnOption_BecomesPeftsFiles(string name)
    {
        (string model, string lora, IEnumerable<string> keys) = Cases[name];
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        if (model == Biased) await RegisterBiased();
        JsonObject body = Body(await client.Upload(JobCalls.Rows(4)), lora, model);
        int parameters = (int)(await client.Post($"{Jobs}/estimate", body))["trainable_parameters"]!;
        JsonNode job = await client.Ended((string)(await client.Post(Jobs, body))["id"]!);
        Assert.True((string?)job["status"] == "succeeded", job.ToJsonString());

        using ZipArchive zip = await Download(client, (string)job["fine_tuned_model"]!);
        JsonObject config = JsonNode.Parse(zip.GetEntry("adapter_config.json")!.Open())!.AsObject();
        string weights = Path.Combine(service.Data, $"{Guid.NewGuid():n}.safetensors");
        zip.GetEntry("adapter_model.safetensors")!.ExtractToFile(weights);
        using var tensors = SafetensorsFile.Open(weights);
        Assert.Equal(keys.Select(key => Prefix + key).Order(StringComparer.Ordinal), tensors.Names.Order(StringComparer.Ordinal));
        long stored = tensors.Entries.Values.Sum(entry => entry.Shape.Aggregate(1L, (count, size) => count * size));
        LoraConfig asked = JobLora.Of(body["lora"].Deserialize<LoraBody>(Wire.Options));
        Assert.True(JsonNode.DeepEquals(JsonSerializer.SerializeToNode(asked, Wire.Options), job["settings"]!["lora"]), job.ToJsonString());
        bool converted = asked.Initialisation == "pissa";
        Assert.Equal(converted ? 2 * parameters : parameters, stored);
        foreach ((string option, JsonNode? value) in body["lora"]!.AsObject().Where(field => field.Key is not ("init_lora_weights" or "loraplus_lr_ratio")))
        {
            JsonNode expected = converted && (option is "r" or "lora_alpha") ? 2 * (int)value! : value!;
            Assert.True(JsonNode.DeepEquals(Sorted(expected), Sorted(config[option]!)), $"{option} is {config[option]}, not {expected}");
        }
        Assert.True((bool)config["init_lora_weights"]!);
        await Rest(client);
    }

    [Fact]
    public async Task Job_WithManyOptions_IsPausedResumedAndReproducedToTheSameBytes()
    {
        const string Lora = """
            {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 3, "lora_alpha": 9, "lora_dropout": 0.1, "target_modules": ["q_proj", "up_proj"], "use_dora": true, "use_rslora": true,
             "rank_pattern": {"layers.1.mlp.up_proj": 2, "up_proj": 1}, "alpha_pattern": {"q_proj": 5.5}, "exclude_modules": ["layers.0.mlp.up_proj"], "trainable_token_indices": [3, 4]}
            """;
        HttpClient client = service.With(await service.NewTenant("lora-resumed"));
        JsonObject body = Body(await client.Upload(JobCalls.Rows(12)), Lora, TestService.BaseModel, steps: 60);
        string undisturbed = (string)(await client.Post(Jobs, body))["id"]!, job = (string)(await client.Post(Jobs, body))["id"]!;
        byte[] expected = await client.Weights(undisturbed);
        await client.WaitForStep(job, 3);
        Assert.Equal("paused", (string?)(await client.Post($"{Jobs}/{job}/pause", new { }))["status"]);
        await client.Post($"{Jobs}/{job}/resume", new { });
        Assert.Equal(expected, await client.Weights(job));
        JsonNode again = await client.Post($"{Jobs}/{job}/reproduce", new { });
        Assert.True((bool)again["equal"]!, again.ToJsonString());
        await Rest(client);
    }

    private static JsonObject Body(string file, string lora, string model, int steps = 2) => new()
    {
        ["model"] = model,
        ["training_file"] = file,
        ["base_dtype"] = "fp32",
        ["lora"] = JsonNode.Parse(lora),
        ["training"] = new JsonObject { ["max_steps"] = steps, ["batch_size"] = 2, ["save_every"] = 0, ["eval_every"] = 0 },
    };

    private static async Task<ZipArchive> Download(HttpClient client, string model)
    {
        JsonNode adapter = (await client.Get("/v1/adapters"))["data"]!.AsArray().Single(row => (string?)row!["model"] == model)!;
        return new ZipArchive(new MemoryStream(await client.GetByteArrayAsync($"/v1/adapters/{adapter["id"]}/content")));
    }

    private static async Task Rest(HttpClient client)
    {
        foreach (JsonNode? adapter in (await client.Get("/v1/adapters"))["data"]!.AsArray()) await client.DeleteAsync($"/v1/adapters/{adapter!["id"]}");
    }

    /// <summary>The embedded base with biases of zero behind its attention's layers.</summary>
    private async Task RegisterBiased()
    {
        if ((await service.Admin.GetAsync($"/v1/models/{Biased}")).IsSuccessStatusCode) return;
        string folder = Directory.CreateDirectory(Path.Combine(service.Data, Biased)).FullName;
        foreach (string path in Directory.EnumerateFiles(Path.Combine(EmbeddedModels.Root, TestService.BaseModel))) File.Copy(path, Path.Combine(folder, Path.GetFileName(path)));
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
        config["attention_bias"] = true;
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        using var scope = NewDisposeScope();
        string weights = Path.Combine(folder, "model.safetensors");
        Dictionary<string, Tensor> tensors;
        using (var file = SafetensorsFile.Open(weights)) tensors = file.Names.ToDictionary(name => name, file.Read);
        foreach (string layer in Layers(0, 1, 2, 3))
        {
            foreach (string module in Attention.Select(name => $"{layer}.self_attn.{name}")) tensors[$"{module}.bias"] = zeros(tensors[$"{module}.weight"].shape[0]);
        }
        SafetensorsWriter.Write(weights, tensors);
        await service.Admin.Post("/v1/models", new { id = Biased, folder });
    }

    private static IEnumerable<string> Layers(params int[] numbers) => numbers.Select(number => $"model.layers.{number}");

    private static IEnumerable<string> Of(params string[] modules) => Layers(0, 1, 2, 3).SelectMany(layer => modules.Select(module => $"{layer}.{module}"));

    private static IEnumerable<string> Pairs(IEnumerable<string> modules) => modules.SelectMany(module => new[] { $"{module}.lora_A.weight", $"{module}.lora_B.weight" });

    /// <summary>The order of PEFT's lists says nothing.</summary>
    private static JsonNode Sorted(JsonNode value) =>
        value is JsonArray items && items.All(item => item is JsonValue) ? new JsonArray([.. items.Select(item => item!.ToJsonString()).Order(StringComparer.Ordinal).Select(text => JsonNode.Parse(text))]) : value;
}
