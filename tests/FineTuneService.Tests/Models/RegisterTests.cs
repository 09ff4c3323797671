using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Device;
using FineTuneService.Engine.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.Models;

/// <summary>POST and DELETE /v1/models: folders that cannot be served are refused by name, and nothing of them stays.</summary>
public sealed class RegisterTests(TestService service) : IClassFixture<TestService>
{
    public static TheoryData<string, string> Damages => new()
    {
        { "config.json", "{\"model_type\": \"llama\"}" },
        { "config.json", "[]" },
        { "config.json", "{\"num_hidden_layers\": 1000000000}" },
        { "tokenizer.json", "{}" },
        { "tokenizer.json", "\"text\"" },
        { "tokenizer_config.json", "{\"eos_token\": 5}" },
        { "tokenizer_config.json", "{\"chat_template\": 5}" },
        { "tokenizer_config.json", "{\"chat_template\": \"{% for %}\"}" },
        { "chat_template.jinja", "{{ 1 +" },
        { "generation_config.json", "{\"eos_token_id\": \"\\ud800\"}" },
        { "special_tokens_map.json", "[]" },
        { "prompt_template.json", "{\"name\": \"\\ud800\"}" },
        { "model.safetensors", "short" },
        { "model.safetensors", "\u0002\0\0\0\0\0\0\0{}" },
        { "tokenizer.json", "" },
    };

    [Theory, MemberData(nameof(Damages))]
    public async Task Register_FileThatCannotBeUsed_IsNamedAndNothingStays(string name, string content)
    {
        using var folder = new BaseFolder();
        if (name == "config.json" && content.Contains("num_hidden_layers", StringComparison.Ordinal))
        {
            JsonNode config = JsonNode.Parse(File.ReadAllText(folder.In(name)))!;
            config["num_hidden_layers"] = 1_000_000_000;
            content = config.ToJsonString();
        }
        File.WriteAllText(folder.In(name), content);
        string message = await Refused(folder.Path);
        // A header without tensors is said by the first tensor that is not there.
        Assert.True(message.Contains(name) || message.Contains("tensor model.embed_tokens.weight is missing"), message);
        File.Delete(folder.In(name));
        Directory.CreateDirectory(folder.In(name));
        Assert.Contains($"{name} is a folder", await Refused(folder.Path));
        Directory.Delete(folder.In(name));
        File.CreateSymbolicLink(folder.In(name), "../blobs/none");
        Assert.Contains($"{name} is missing", await Refused(folder.Path));
    }

    [Fact]
    public async Task Register_WithoutATokenizer_IsRefused()
    {
        using var folder = new BaseFolder();
        File.Delete(folder.In("tokenizer.json"));
        Assert.Contains("tokenizer.json is missing", await Refused(folder.Path));
    }

    [Fact]
    public async Task Register_WeightsThatAreNotFinite_AreNamed()
    {
        using var folder = new BaseFolder();
        byte[] weights = File.ReadAllBytes(folder.In("model.safetensors"));
        weights[^1] = 0x7F;
        weights[^2] = 0xC0; // The last number becomes NaN, be it bf16 or fp32.
        File.WriteAllBytes(folder.In("model.safetensors"), weights);
        Assert.Contains("holds NaN or infinity", await Refused(folder.Path));
    }

    [Fact]
    public async Task Register_CacheOfLinks_AnswersWithTheBlobsSize()
    {
        using var folder = new BaseFolder();
        string snapshot = Directory.CreateDirectory(folder.In("snapshot")).FullName;
        foreach (string file in Directory.EnumerateFiles(folder.Path)) File.CreateSymbolicLink(Path.Combine(snapshot, Path.GetFileName(file)), "../" + Path.GetFileName(file));
        JsonNode model = await service.Admin.Post("/v1/models", new { id = "linked", folder = snapshot });
        Assert.Equal(new FileInfo(folder.In("model.safetensors")).Length, (long)model["bytes"]!);
        await Chat(service.With(await service.NewTenant("linked-t")), "linked");
        Assert.Equal(HttpStatusCode.OK, (await service.Admin.DeleteAsync("/v1/models/linked")).StatusCode);
    }

    /// <summary>By its path: tokenizer, template and settings are in it.</summary>
    [Fact]
    public async Task Register_GgufFile_IsServed()
    {
        string path = Shared.Path("golden", "models", "gguf", "llama.Q8_0.gguf");
        JsonNode model = await service.Admin.Post("/v1/models", new { id = "blocks", folder = path });
        Assert.Equal(new FileInfo(path).Length, (long)model["bytes"]!);
        HttpClient client = service.With(await service.NewTenant("blocks-t"));
        JsonNode answer = await client.Post("/v1/completions", new { model = "blocks", prompt = "the ocean and", max_tokens = 3, temperature = 0 });
        Assert.Equal(3, (int)answer["usage"]!["completion_tokens"]!);
        Assert.Equal(HttpStatusCode.OK, (await service.Admin.DeleteAsync("/v1/models/blocks")).StatusCode);
    }

    [Fact]
    public async Task Register_GgufFileThatIsCut_IsRefused()
    {
        byte[] whole = File.ReadAllBytes(Shared.Path("golden", "models", "gguf", "llama.Q8_0.gguf"));
        using var folder = new BaseFolder();
        foreach (int length in (int[])[0, 3, 100, whole.Length / 3, whole.Length - 1000])
        {
            File.WriteAllBytes(folder.In("cut.gguf"), whole[..length]);
            Assert.Contains("cut.gguf", await Refused(folder.In("cut.gguf")));
        }
    }

    [Fact]
    public async Task RegisterAndDelete_TheSameAtOnce_OneIsDoneAndOthersAreTold()
    {
        using var folder = new BaseFolder();
        for (int round = 0; round < 3; round++)
        {
            HttpResponseMessage[] made = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => service.Admin.PostAsJsonAsync("/v1/models", new { id = "twice", folder = folder.Path })));
            Assert.Equal([200, 409, 409, 409], made.Select(answer => (int)answer.StatusCode).Order());
            HttpResponseMessage[] deleted = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => service.Admin.DeleteAsync("/v1/models/twice")));
            Assert.Equal([200, 404, 404, 404], deleted.Select(answer => (int)answer.StatusCode).Order());
        }
    }

    [Fact]
    public async Task Delete_OneOfTwoNamesOfAFolder_LeavesTheOther()
    {
        using var folder = new BaseFolder();
        await service.Admin.Post("/v1/models", new { id = "first-name", folder = folder.Path });
        await service.Admin.Post("/v1/models", new { id = "second-name", folder = folder.Path + "/" });
        HttpClient client = service.With(await service.NewTenant("two-names"));
        await Chat(client, "first-name");
        int loaded = Loaded;
        Assert.Equal(HttpStatusCode.OK, (await service.Admin.DeleteAsync("/v1/models/first-name")).StatusCode);
        Assert.Equal(loaded, Loaded);
        await Chat(client, "second-name");
        Assert.Equal(HttpStatusCode.OK, (await service.Admin.DeleteAsync("/v1/models/second-name")).StatusCode);
        Assert.Equal(loaded - 1, Loaded);
        await client.PostAsJsonAsync("/v1/chat/completions", Question("second-name")).Error(HttpStatusCode.NotFound);
    }

    private int Loaded => service.Services.GetRequiredService<ResidentModels>().Models;

    private async Task<string> Refused(string folder)
    {
        int loaded = Loaded;
        JsonNode error = await service.Admin.PostAsJsonAsync("/v1/models", new { id = $"m{Guid.NewGuid():n}", folder }).Error(HttpStatusCode.BadRequest);
        Assert.Equal("invalid_model", (string?)error["code"]);
        Assert.Equal(loaded, Loaded);
        string message = (string)error["message"]!;
        Assert.DoesNotContain("System.", message);
        return message;
    }

    private static Task<JsonNode> Chat(HttpClient client, string model) => client.Post("/v1/chat/completions", Question(model));

    private static object Question(string model) => new { model, max_tokens = 2, messages = new[] { new { role = "user", content = "Hello" } } };
}
