using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Tests;
using FineTuneService.Engine.Tests.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace FineTuneService.Tests.Hub;

/// <summary>POST /v1/models {"source": "hub"}, against a hub on this machine.</summary>
public sealed class HubDownloadTests(HubFixture fixture) : IClassFixture<HubFixture>
{
    private const string Weights = "model.safetensors", Token = "hf_of_the_tests";

    private LocalHub Hub => fixture.Hub;
    private HttpClient Admin { get; } = fixture.Service.Admin;
    private string Folders => Path.Combine(fixture.Service.Data, "hub");

    [Fact]
    public async Task Register_Repository_ComesWithProgressIsServedAndGoesWithItsFiles()
    {
        LocalRepo repo = Hub.Repos["acme/whole"] = new LocalRepo { Files = HubCalls.BaseFiles(), Token = Token, Delay = TimeSpan.FromMilliseconds(5) };
        JsonNode begun = await Register(new { source = "hub", repo = "acme/whole", token = Token });
        Assert.Equal(("whole", "downloading", "acme/whole"), ((string?)begun["id"], (string?)begun["status"], (string?)begun["hub"]!["repo"]));
        var seen = new List<(long Done, long? Total)>();
        JsonNode now;
        while ((string?)(now = await Admin.Get("/v1/models/whole"))["status"] == "downloading") seen.Add(((long)now["bytes_done"]!, (long?)now["bytes_total"]));
        Assert.True((string?)now["status"] == "ready", now.ToJsonString());
        Assert.Contains(seen, one => one.Total is { } total && one.Done > 0 && one.Done < total);
        Assert.Equal(seen.Select(one => one.Done).Order(), seen.Select(one => one.Done));
        Assert.Equal(((long)now["bytes_total"]!, repo.Commit), ((long)now["bytes_done"]!, (string?)now["hub"]!["commit"]));
        Assert.Equal(repo.Files[Weights].Length, (long)now["bytes"]!);

        string folder = Directory.GetDirectories(Folders).Single(path => File.Exists(Path.Combine(path, Weights)) && File.ReadAllBytes(Path.Combine(path, "config.json")).AsSpan().SequenceEqual(repo.Files["config.json"]));
        Assert.Equal(["config.json", Weights, "tokenizer.json", "tokenizer_config.json"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(Hub.Of("acme/whole"), call => call.Path.EndsWith(".py", StringComparison.Ordinal) || call.Path.Contains("onnx") || call.Path.EndsWith(".pt", StringComparison.Ordinal));
        // The token goes to the hub, and not to where it redirects.
        Assert.All(Hub.Of("acme/whole"), call => Assert.Equal(call.IsHub ? $"Bearer {Token}" : null, call.Authorization));
        Assert.Contains(Hub.Of("acme/whole"), call => !call.IsHub);

        HttpClient client = fixture.Service.With(await fixture.Service.NewTenant("hub-user"));
        JsonNode answer = await client.Post("/v1/completions", new { model = "whole", prompt = "the ocean", max_tokens = 2, temperature = 0 });
        Assert.Equal((string?)(await client.Post("/v1/completions", new { model = TestService.BaseModel, prompt = "the ocean", max_tokens = 2, temperature = 0 }))["choices"]![0]!["text"],
            (string?)answer["choices"]![0]!["text"]);
        Assert.Equal(HttpStatusCode.OK, (await Admin.DeleteAsync("/v1/models/whole")).StatusCode);
        Assert.False(Directory.Exists(folder));
        await Admin.GetAsync("/v1/models/whole").Error(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Register_ConnectionThatBreaks_GoesOnFromWhatHasArrived()
    {
        LocalRepo repo = Hub.Repos["acme/breaks"] = new LocalRepo { Files = HubCalls.BaseFiles(), BreaksAfter = 1 << 20, Busy = 2 };
        await Register(new { source = "hub", repo = "acme/breaks" });
        JsonNode come = await Admin.Come("breaks");
        Assert.True((string?)come["status"] == "ready", come.ToJsonString());
        string?[] ranges = [.. Hub.Of("acme/breaks").Where(call => !call.IsHub).Select(call => call.Range)];
        // Some of a connection's last bytes may be lost with it.
        Assert.InRange(ranges.Length, repo.Files[Weights].Length >> 20, 12);
        Assert.All(ranges[1..], range => Assert.StartsWith("bytes=", range));
        Assert.Equal(repo.Files[Weights].Length, (long)come["bytes"]!);
        Assert.Equal((long)come["bytes_done"]!, (long)come["bytes_total"]!);
        await Admin.DeleteAsync("/v1/models/breaks");
    }

    [Theory, InlineData(Weights), InlineData("tokenizer.json")]
    public async Task Register_WrongChecksum_FailsAndTheSameAgainMendsIt(string damaged)
    {
        LocalRepo repo = Hub.Repos["acme/damaged"] = new LocalRepo { Files = HubCalls.BaseFiles(), Damaged = damaged };
        await Register(new { source = "hub", id = "mended", repo = "acme/damaged" });
        JsonNode failed = await Admin.Come("mended");
        Assert.Equal(("failed", "checksum_mismatch"), ((string?)failed["status"], (string?)failed["error"]!["code"]));
        Assert.Contains(damaged, (string?)failed["error"]!["message"]);
        HttpClient client = fixture.Service.With(await fixture.Service.NewTenant($"d{damaged.Length}"));
        await client.PostAsJsonAsync("/v1/completions", new { model = "mended", prompt = "a" }).Error(HttpStatusCode.NotFound);
        repo.Damaged = null;
        await Register(new { source = "hub", id = "mended", repo = "acme/damaged" });
        Assert.Equal("ready", (string?)(await Admin.Come("mended"))["status"]);
        // What was right the first time was not fetched again.
        if (damaged == Weights) Assert.Single(Hub.Of("acme/damaged"), call => call is { IsHub: true, Method: "GET" } && call.Path.EndsWith("/tokenizer.json", StringComparison.Ordinal));
        await Admin.DeleteAsync("/v1/models/mended");
        while (Hub.Calls.TryDequeue(out _)) { }
    }

    [Theory]
    [InlineData(null, "gated_repo", "Accept its terms")]
    [InlineData("hf_of_somebody_else", "gated_repo", "restricted")]
    public async Task Register_GatedRepository_SaysWhatToDo(string? token, string code, string what)
    {
        Hub.Repos["acme/gated"] = new LocalRepo { Files = HubCalls.BaseFiles(), Token = Token };
        await Register(token is null ? new { source = "hub", repo = "acme/gated" } : new { source = "hub", repo = "acme/gated", token });
        JsonNode failed = await Admin.Come("gated");
        Assert.Equal(("failed", code), ((string?)failed["status"], (string?)failed["error"]!["code"]));
        Assert.Contains(what, (string?)failed["error"]!["message"]);
        Assert.DoesNotContain(token ?? Token, failed.ToJsonString());
        Assert.Equal(HttpStatusCode.OK, (await Admin.DeleteAsync("/v1/models/gated")).StatusCode);
    }

    [Fact]
    public async Task Register_RepositoryThatIsNotThere_Fails()
    {
        foreach ((string repo, string revision) in new[] { ("acme/none", "main"), ("acme/revision", "v9") })
        {
            Hub.Repos["acme/revision"] = new LocalRepo { Files = HubCalls.BaseFiles() };
            await Register(new { source = "hub", id = "nothing", repo, revision });
            JsonNode failed = await Admin.Come("nothing");
            Assert.Equal("repo_not_found", (string?)failed["error"]!["code"]);
            Assert.Contains(revision, (string?)failed["error"]!["message"]);
            await Admin.DeleteAsync("/v1/models/nothing");
        }
    }

    [Fact]
    public async Task Register_Shards_AreFetchedByTheirIndex()
    {
        string folder = Shared.Path("golden", "models", "llama-sharded");
        Dictionary<string, byte[]> files = Directory.EnumerateFiles(folder).Where(path => !Path.GetFileName(path).StartsWith("golden", StringComparison.Ordinal)).ToDictionary(path => Path.GetFileName(path), File.ReadAllBytes);
        foreach (string name in (string[])["tokenizer.json", "tokenizer_config.json"]) files[name] = HubCalls.BaseFiles()[name];
        Hub.Repos["acme/shards"] = new LocalRepo { Files = files };
        await Register(new { source = "hub", repo = "acme/shards" });
        JsonNode come = await Admin.Come("shards");
        Assert.True((string?)come["status"] == "ready", come.ToJsonString());
        Assert.Equal(files.Where(file => file.Key.StartsWith("model-", StringComparison.Ordinal)).Sum(file => file.Value.Length), (long)come["bytes"]!);
        await Admin.DeleteAsync("/v1/models/shards");
    }

    [Fact]
    public async Task Register_MirrorWithoutHead_ComesByGetAlone()
    {
        LocalRepo repo = Hub.Repos["acme/headless"] = new LocalRepo { Files = HubCalls.BaseFiles(), KnowsNoHead = true };
        await Register(new { source = "hub", repo = "acme/headless" });
        JsonNode come = await Admin.Come("headless");
        Assert.True((string?)come["status"] == "ready", come.ToJsonString());
        Assert.Equal((repo.Files[Weights].Length, (long)come["bytes_total"]!), ((long)come["bytes"]!, (long)come["bytes_done"]!));
        // The weights were described by the answer that redirects, and their bytes were fetched once.
        Assert.Single(Hub.Of("acme/headless"), call => !call.IsHub);
        Assert.Contains(Hub.Of("acme/headless"), call => call.Method == "HEAD");
        await Admin.DeleteAsync("/v1/models/headless");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Register_PytorchModelBin_IsFetchedCheckedAndServed(bool sharded)
    {
        string folder = Shared.Path("golden", "models", "llama");
        Dictionary<string, byte[]> files = new() { ["config.json"] = File.ReadAllBytes(Path.Combine(folder, "config.json")), ["run.bin"] = [1] };
        foreach (string name in (string[])["tokenizer.json", "tokenizer_config.json"]) files[name] = HubCalls.BaseFiles()[name];
        foreach ((string name, byte[] bytes) in Binaries(Path.Combine(folder, Weights), sharded)) files[name] = bytes;
        string id = sharded ? "bins" : "bin";
        Hub.Repos[$"acme/{id}"] = new LocalRepo { Files = files };
        await Register(new { source = "hub", repo = $"acme/{id}" });
        JsonNode come = await Admin.Come(id);
        Assert.True((string?)come["status"] == "ready", come.ToJsonString());
        Assert.DoesNotContain(Hub.Of($"acme/{id}"), call => call.Path.EndsWith("/run.bin", StringComparison.Ordinal));
        HttpClient client = fixture.Service.With(await fixture.Service.NewTenant($"{id}-user"));
        Assert.NotNull((await client.Post("/v1/completions", new { model = id, prompt = "the", max_tokens = 2, temperature = 0 }))["choices"]);
        await Admin.DeleteAsync($"/v1/models/{id}");
    }

    /// <summary>A safetensors file's tensors as torch.save writes them.</summary>
    private static Dictionary<string, byte[]> Binaries(string safetensors, bool sharded)
    {
        using DisposeScope scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(safetensors);
        KeyValuePair<string, Tensor>[] tensors = [.. file.Names.Select(name => KeyValuePair.Create(name, file.Read(name).clone()))];
        if (!sharded) return new() { ["pytorch_model.bin"] = TorchTestFile.Zip(tensors) };
        KeyValuePair<string, Tensor>[][] shards = [.. tensors.Chunk(tensors.Length / 2 + 1)];
        string Name(int shard) => $"pytorch_model-{shard + 1:00000}-of-00002.bin";
        Dictionary<string, string> map = shards.Index().SelectMany(shard => shard.Item.Select(tensor => (tensor.Key, Name(shard.Index)))).ToDictionary();
        return new() { ["pytorch_model.bin.index.json"] = JsonSerializer.SerializeToUtf8Bytes(new { weight_map = map }), [Name(0)] = TorchTestFile.Zip(shards[0]), [Name(1)] = TorchTestFile.Zip(shards[1]) };
    }

    [Theory]
    [InlineData("../../outside.safetensors")]
    [InlineData("/tmp/outside.safetensors")]
    [InlineData("sub/model.safetensors")]
    [InlineData("run.py")]
    [InlineData("missing.safetensors")]
    public async Task Register_IndexThatNamesWhatLiesElsewhere_IsRefusedAndNothingStays(string shard)
    {
        Dictionary<string, byte[]> files = HubCalls.BaseFiles();
        files["model.safetensors.index.json"] = JsonSerializer.SerializeToUtf8Bytes(new { weight_map = new Dictionary<string, string> { ["model.embed_tokens.weight"] = shard } });
        if (shard != "missing.safetensors") files[shard] = files[Weights];
        files.Remove(Weights);
        Hub.Repos["acme/traversal"] = new LocalRepo { Files = files };
        await Register(new { source = "hub", repo = "acme/traversal" });
        JsonNode failed = await Admin.Come("traversal");
        Assert.Equal(("failed", "invalid_model"), ((string?)failed["status"], (string?)failed["error"]!["code"]));
        Assert.Contains("names a shard", (string?)failed["error"]!["message"]);
        Assert.DoesNotContain(Hub.Of("acme/traversal"), call => call.Path.Contains("outside"));
        await Admin.DeleteAsync("/v1/models/traversal");
        Assert.Empty(Directory.EnumerateFiles(Folders, "outside*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Register_GgufFileByName_IsServed()
    {
        byte[] gguf = File.ReadAllBytes(Shared.Path("golden", "models", "gguf", "llama.Q8_0.gguf"));
        Hub.Repos["acme/ggufs"] = new LocalRepo { Files = new() { ["README.md"] = [1], ["q8/llama.Q8_0.gguf"] = gguf, ["q4/llama.Q4_K_M.gguf"] = gguf } };
        await Register(new { source = "hub", repo = "acme/ggufs" });
        JsonNode unnamed = await Admin.Come("ggufs");
        Assert.Contains("q8/llama.Q8_0.gguf", (string?)unnamed["error"]!["message"]);
        await Admin.DeleteAsync("/v1/models/ggufs");
        await Register(new { source = "hub", repo = "acme/ggufs", file = "q8/llama.Q8_0.gguf" });
        JsonNode come = await Admin.Come("ggufs");
        Assert.True((string?)come["status"] == "ready", come.ToJsonString());
        Assert.Equal(gguf.Length, (long)come["bytes"]!);
        HttpClient client = fixture.Service.With(await fixture.Service.NewTenant("gguf-user"));
        await client.Post("/v1/completions", new { model = "ggufs", prompt = "the ocean", max_tokens = 2 });
        await Admin.DeleteAsync("/v1/models/ggufs");
        Assert.DoesNotContain(Hub.Of("acme/ggufs"), call => call.Path.Contains("Q4_K_M"));
    }

    [Fact]
    public async Task Register_WhatIsNoModelHere_FailsBeforeItsWeightsCome()
    {
        Dictionary<string, byte[]> files = HubCalls.BaseFiles();
        files["config.json"] = "{\"model_type\": \"vision_of_something\"}"u8.ToArray();
        Hub.Repos["acme/strange"] = new LocalRepo { Files = files };
        await Register(new { source = "hub", repo = "acme/strange" });
        JsonNode failed = await Admin.Come("strange");
        Assert.Equal("invalid_model", (string?)failed["error"]!["code"]);
        Assert.DoesNotContain(Hub.Of("acme/strange"), call => !call.IsHub);
        await Admin.DeleteAsync("/v1/models/strange");
    }

    [Fact]
    public async Task Register_MoreThanTheDiskOrAnOptionTakes_FailsBeforeAnythingComes()
    {
        foreach ((long size, string code) in new[] { (1L << 60, "repo_too_large"), (400L << 30, "insufficient_storage") })
        {
            Hub.Repos["acme/huge"] = new LocalRepo { Files = HubCalls.BaseFiles(), Sizes = new() { [Weights] = size } };
            await Register(new { source = "hub", repo = "acme/huge" });
            JsonNode failed = await Admin.Come("huge");
            Assert.Equal(code, (string?)failed["error"]!["code"]);
            await Admin.DeleteAsync("/v1/models/huge");
        }
        Assert.DoesNotContain(Hub.Of("acme/huge"), call => !call.IsHub);
    }

    [Fact]
    public async Task Register_MoreBytesThanTheHubSaid_AreNotTaken()
    {
        Hub.Repos["acme/longer"] = new LocalRepo { Files = HubCalls.BaseFiles(), Sizes = new() { [Weights] = 1000 } };
        await Register(new { source = "hub", repo = "acme/longer" });
        Assert.Equal("file_too_large", (string?)(await Admin.Come("longer"))["error"]!["code"]);
        await Admin.DeleteAsync("/v1/models/longer");
    }

    [Fact]
    public async Task Delete_WhileItComes_EndsItAndRemovesWhatHasArrived()
    {
        Hub.Repos["acme/slow"] = new LocalRepo { Files = HubCalls.BaseFiles(), Delay = TimeSpan.FromMilliseconds(100) };
        string[] before = Directory.GetDirectories(Folders);
        await Register(new { source = "hub", repo = "acme/slow" });
        // The same again is the same; another name for it, or another repository for its name, is not.
        Assert.Equal("downloading", (string?)(await Register(new { source = "hub", repo = "acme/slow" }))["status"]);
        JsonNode twice = await Admin.PostAsJsonAsync("/v1/models", new { source = "hub", id = "slower", repo = "acme/slow" }).Error(HttpStatusCode.Conflict);
        Assert.Equal("already_downloading", (string?)twice["code"]);
        await Admin.PostAsJsonAsync("/v1/models", new { source = "hub", id = "slow", repo = "acme/other" }).Error(HttpStatusCode.Conflict);
        await Admin.PostAsJsonAsync("/v1/models", new { id = "slow", folder = Path.Combine(AppContext.BaseDirectory, "BaseModel", TestService.BaseModel) }).Error(HttpStatusCode.Conflict);
        while ((long)(await Admin.Get("/v1/models/slow"))["bytes_done"]! == 0) await Task.Delay(5, TestContext.Current.CancellationToken);
        HttpClient client = fixture.Service.With(await fixture.Service.NewTenant("slow-user"));
        await client.DeleteAsync("/v1/models/slow").Error(HttpStatusCode.NotFound);
        Assert.DoesNotContain((await client.Get("/v1/models"))["data"]!.AsArray(), model => (string?)model!["id"] == "slow");
        Assert.Contains((await Admin.Get("/v1/models"))["data"]!.AsArray(), model => (string?)model!["id"] == "slow");
        Assert.Equal(HttpStatusCode.OK, (await Admin.DeleteAsync("/v1/models/slow")).StatusCode);
        await Admin.GetAsync("/v1/models/slow").Error(HttpStatusCode.NotFound);
        Assert.Empty(Directory.GetDirectories(Folders).Except(before));
    }

    [Theory]
    [InlineData("{\"source\": \"hub\"}", "repo")]
    [InlineData("{\"source\": \"hub\", \"repo\": \"../etc\"}", "repo")]
    [InlineData("{\"source\": \"hub\", \"repo\": \"a/b/c\"}", "repo")]
    [InlineData("{\"source\": \"hub\", \"repo\": \"a/..\"}", "repo")]
    [InlineData("{\"source\": \"hub\", \"repo\": \"a/b?x=1\"}", "repo")]
    [InlineData("{\"source\": \"hub\", \"repo\": \"a/b\", \"revision\": \"../main\"}", "revision")]
    [InlineData("{\"source\": \"hub\", \"repo\": \"a/b\", \"file\": \"model.bin\"}", "file")]
    [InlineData("{\"source\": \"hub\", \"repo\": \"a/b\", \"file\": \"../x.gguf\"}", "file")]
    [InlineData("{\"source\": \"hub\", \"repo\": \"a/b\", \"token\": \"a\\r\\nb\"}", "token")]
    [InlineData("{\"source\": \"hub\", \"repo\": \"a/b\", \"id\": \"a/b\"}", "id")]
    [InlineData("{\"source\": \"hub\", \"repo\": \"a/b\", \"folder\": \"/tmp\"}", "folder")]
    [InlineData("{\"source\": \"web\", \"repo\": \"a/b\"}", "source")]
    [InlineData("{\"id\": \"x\", \"repo\": \"a/b\"}", "repo")]
    [InlineData("{\"id\": \"x\"}", "folder")]
    [InlineData("{\"folder\": \"/tmp\"}", "id")]
    public async Task Register_WrongField_IsRefusedByName(string body, string param)
    {
        JsonNode error = await Admin.PostAsync("/v1/models", new StringContent(body, System.Text.Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal(param, (string?)error["param"]);
    }

    private async Task<JsonNode> Register(object body) => await Admin.Post("/v1/models", body);
}
