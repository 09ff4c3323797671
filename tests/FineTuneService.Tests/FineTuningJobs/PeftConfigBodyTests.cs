using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Tests;
using FineTuneService.FineTuningJobs;
using Wire = FineTuneService.Hosting.Json;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>PEFT's adapter_config.json as a job's lora: served, asking for nothing, or refused by name.</summary>
public sealed class PeftConfigBodyTests(TestService service) : IClassFixture<TestService>
{
    public static TheoryData<string> Folders => [.. Shared.Present ? Configs().Select(path => Path.GetRelativePath(Shared.Folder, path)) : [""]];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Read_ConfigThatPeftWrote_IsWhatTheEngineReadsOfIt(string file)
    {
        string json = File.ReadAllText(Shared.Path(file));
        (LoraConfig? engine, string? refused) = Engine(json);
        (LoraConfig? wire, string? param) = Job(json);
        // How B began says nothing of an adapter that is there, and in training no B may begin at random.
        bool random = JsonNode.Parse(json)!["init_lora_weights"] is JsonValue begin && begin.GetValueKind() == JsonValueKind.False;
        if (engine is null || engine.Prompt is not null || engine.EnsureWeightTying || random)
        {
            // What an importer refuses, a job refuses too; and what is for adapters that are there already.
            Assert.True(wire is null && param is not null, $"{file}: the Engine says {refused}, the job takes it");
            if (engine?.EnsureWeightTying == true) Assert.Equal("lora.ensure_weight_tying", param);
            if (engine is { Prompt: null } && random) Assert.Equal("$.init_lora_weights", param);
            return;
        }
        Assert.True(wire is not null, $"{file}: {param} is refused");
        string Text(LoraConfig config) => JsonSerializer.Serialize(config with { Initialisation = "default" }, Wire.Options);
        Assert.Equal(Text(engine), Text(wire));
    }

    [Theory]
    [InlineData("""{"rank": 4, "r": 5}""", "lora.r")]
    [InlineData("""{"alpha": 4, "lora_alpha": 5}""", "lora.lora_alpha")]
    [InlineData("""{"dropout": 0.1, "lora_dropout": 0.2}""", "lora.lora_dropout")]
    [InlineData("""{"r": 0}""", "lora.r")]
    [InlineData("""{"rank": 2049}""", "lora.rank")]
    [InlineData("""{"lora_alpha": -1}""", "lora.lora_alpha")]
    [InlineData("""{"alpha": 0}""", "lora.alpha")]
    [InlineData("""{"dropout": 1}""", "lora.dropout")]
    [InlineData("""{"target_modules": "(q_proj"}""", "lora.target_modules")]
    [InlineData("""{"target_modules": ["r_proj"]}""", "lora.target_modules")]
    [InlineData("""{"target_modules": ".*\\.r_proj"}""", "lora.target_modules")]
    [InlineData("""{"exclude_modules": "["}""", "lora.exclude_modules")]
    [InlineData("""{"target_modules": ["q_proj"], "exclude_modules": ["q_proj"]}""", "lora.exclude_modules")]
    [InlineData("""{"layers_to_transform": [99]}""", "lora.layers_to_transform")]
    [InlineData("""{"layers_to_transform": -1}""", "lora.layers_to_transform")]
    [InlineData("""{"layers_to_transform": "1"}""", "lora.layers_to_transform")]
    [InlineData("""{"layers_to_transform": 1, "target_modules": ".*q_proj"}""", "lora.layers_to_transform")]
    [InlineData("""{"layers_pattern": "layers"}""", "lora.layers_pattern")]
    [InlineData("""{"rank_pattern": {"q_proj": 0}}""", "lora.rank_pattern")]
    [InlineData("""{"rank_pattern": {"q_proj": "4"}}""", "lora.rank_pattern.q_proj")]
    [InlineData("""{"rank_pattern": {"q_proj(": 4}}""", "lora.rank_pattern")]
    [InlineData("""{"alpha_pattern": {"q_proj": -2}}""", "lora.alpha_pattern")]
    [InlineData("""{"rank": 1500, "init_lora_weights": "pissa"}""", "lora.rank")]
    [InlineData("""{"init_lora_weights": "eva"}""", "lora.init_lora_weights")]
    [InlineData("""{"init_lora_weights": false}""", "lora.init_lora_weights")]
    [InlineData("""{"bias": "some"}""", "lora.bias")]
    [InlineData("""{"use_dora": true, "lora_bias": true}""", "lora.lora_bias")]
    [InlineData("""{"use_dora": true, "target_modules": ["q_proj", "embed_tokens"]}""", "lora.use_dora")]
    [InlineData("""{"modules_to_save": ["classifier"]}""", "lora.modules_to_save")]
    [InlineData("""{"target_parameters": ["mlp.experts.down_proj"]}""", "lora.target_parameters")] // The base has no experts.
    [InlineData("""{"target_parameters": ["mlp.experts.down_proj"], "dropout": 0.1}""", "lora.target_parameters")]
    [InlineData("""{"target_modules": []}""", "lora.target_modules")]
    [InlineData("""{"trainable_token_indices": [5, 5]}""", "lora.trainable_token_indices")]
    [InlineData("""{"trainable_token_indices": [70000]}""", "lora.trainable_token_indices")]
    [InlineData("""{"trainable_token_indices": {"q_proj": [1]}}""", "lora.trainable_token_indices")]
    [InlineData("""{"trainable_token_indices": "all"}""", "lora.trainable_token_indices")]
    [InlineData("""{"loraplus_lr_ratio": 0}""", "lora.loraplus_lr_ratio")]
    [InlineData("""{"peft_type": "LOHA"}""", "lora.peft_type")]
    [InlineData("""{"task_type": "SEQ_CLS"}""", "lora.task_type")]
    [InlineData("""{"revision": "v2"}""", "lora.revision")]
    [InlineData("""{"layer_replication": [[0, 2]]}""", "lora.layer_replication")]
    [InlineData("""{"use_qalora": true}""", "lora.use_qalora")]
    [InlineData("""{"megatron_config": {"tensor_model_parallel_size": 2}}""", "lora.megatron_config")]
    public async Task CreateJob_WhatLoraCannot_IsRefusedByItsField(string lora, string param)
    {
        using HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        var body = new JsonObject { ["model"] = TestService.BaseModel, ["training_file"] = "file-x", ["lora"] = JsonNode.Parse(lora) };
        JsonNode error = await client.PostAsJsonAsync("/v1/fine_tuning/jobs", body).Error(HttpStatusCode.BadRequest);
        Assert.Equal(param, (string?)error["param"]);
    }

    [Fact]
    public void Read_BothSpellingsOfOneValue_AreTaken() =>
        Assert.Equal((8, 24.0, 0.1), Job("""{"rank": 8, "r": 8, "alpha": 24, "lora_alpha": 24, "dropout": 0.1, "lora_dropout": 0.1}""").Config is { } config ? (config.Rank, config.Alpha, config.Dropout) : default);

    [Fact]
    public void Deserialize_SettingsOfAnEarlierVersion_KeepTheirMeaning()
    {
        LoraConfig config = JsonSerializer.Deserialize<LoraConfig>("""{"rank": 4, "initialisation": "pissa", "bias_of_b": true}""", Wire.Options)!;
        Assert.Equal(("pissa", true), (config.Initialisation, config.BiasOfB));
        string stored = JsonSerializer.Serialize(config, Wire.Options);
        Assert.Equal(stored, JsonSerializer.Serialize(JsonSerializer.Deserialize<LoraConfig>(stored, Wire.Options), Wire.Options));
    }

    private static IEnumerable<string> Configs() => new[] { "golden/adapters", "adapters" }.Select(folder => Path.Combine(Shared.Folder, folder)).Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFiles(folder, PeftFolder.ConfigFile, SearchOption.AllDirectories)).Order(StringComparer.Ordinal);

    private static (LoraConfig? Config, string? Refused) Engine(string json)
    {
        try
        {
            return (PeftConfig.Parse(json), null);
        }
        catch (AdapterException refused)
        {
            return (null, refused.Message);
        }
    }

    private static (LoraConfig? Config, string? Param) Job(string json)
    {
        try
        {
            LoraBody body = JsonSerializer.Deserialize<LoraBody>(json, Wire.Options)!;
            return JobLora.Problem(body) is { } problem ? (null, problem.Param) : (JobLora.Of(body), null);
        }
        catch (JsonException refused)
        {
            return (null, refused.Path);
        }
    }
}
