using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Tests.Formats;

namespace FineTuneService.Tests.Adapters;

/// <summary>Uploads that are no adapter are refused with what is wrong, and leave nothing.</summary>
public sealed class AdapterUploadTests(TestService service) : IClassFixture<TestService>
{
    private const string Config = AdapterFiles.Config, SomeTensor = "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight";

    [Theory]
    [InlineData("{\"peft_type\": \"LORA\", \"r\": \"x\", \"lora_alpha\": 4, \"target_modules\": [\"q_proj\"]}", null, "r = \"x\" has the wrong type")]
    [InlineData("{\"peft_type\": \"LORA\", \"r\": 1, \"r\": 2}", null, "r is there twice")]
    [InlineData("{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 1e400, \"target_modules\": [\"q_proj\"]}", null, "lora_alpha = 1e400")]
    [InlineData("{\"peft_type\": \"LORA\", \"r\": 0, \"lora_alpha\": 4, \"target_modules\": [\"q_proj\"]}", null, "r = 0")]
    [InlineData("{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 4, \"target_modules\": [\"W_pack\"]}", null, "W_pack")]
    [InlineData("[]", null, "a list")]
    [InlineData(Config, "{\"name\": \"\\ud800\"}", "half of a surrogate pair")]
    [InlineData(Config, "{\"name\": 5}", "name = 5")]
    [InlineData("{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 4, \"target_modules\": [null]}", null, "target_modules")]
    [InlineData("{\"peft_type\": \"LORA\", \"bias\": 3, \"r\": 2, \"lora_alpha\": 4, \"target_modules\": [\"q_proj\"]}", null, "bias = 3")]
    [InlineData(Config, "{}", "prompt_template.json needs")]
    [InlineData(Config, null, "tensor")]
    public async Task Upload_NotAnAdapter_SaysWhy(string config, string? promptTemplate, string why)
    {
        byte[] empty = [2, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}'];
        List<(string, byte[])> files = [(PeftFolder.ConfigFile, Encoding.UTF8.GetBytes(config)), (PeftFolder.WeightsFile, empty)];
        if (promptTemplate is not null) files.Add(("prompt_template.json", Encoding.UTF8.GetBytes(promptTemplate)));
        Assert.Contains(why, await Refused(AdapterFiles.Zip(files)));
    }

    [Fact]
    public async Task Upload_NoZipOrATextTooLong_IsRefused()
    {
        Assert.Contains("not a zip", await Refused([]));
        Assert.Contains("unpacks to more than", await Refused(AdapterFiles.Zip((PeftFolder.ConfigFile, new byte[2 << 20]), (PeftFolder.WeightsFile, []))));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public async Task Upload_TensorThatIsNotFinite_IsNamed(float value)
    {
        byte[] weights = AdapterFiles.Weights(change: tensors => tensors[SomeTensor][3, 1] = value);
        Assert.Contains($"{SomeTensor} holds NaN or infinity", await Refused(AdapterFiles.Zip((PeftFolder.ConfigFile, AdapterFiles.ConfigBytes), (PeftFolder.WeightsFile, weights))));
    }

    [Fact]
    public async Task Upload_WholeNumbers_AreRefused()
    {
        byte[] weights = AdapterFiles.Weights(change: tensors => tensors[SomeTensor] = tensors[SomeTensor].to_type(TorchSharp.torch.ScalarType.Int32));
        Assert.Contains($"{SomeTensor} is I32", await Refused(AdapterFiles.Zip((PeftFolder.ConfigFile, AdapterFiles.ConfigBytes), (PeftFolder.WeightsFile, weights))));
    }

    [Fact]
    public async Task Upload_RunFolderOfAnotherFamilyToo_IsServedAndComesBack()
    {
        HttpClient client = await Client();
        byte[] config = Encoding.UTF8.GetBytes(Config.Replace("\"q_proj\"", "\"W_pack\", \"q_proj\"")), weights = AdapterFiles.Weights(0.02f), other = AdapterFiles.Weights(0.5f);
        byte[] zip = AdapterFiles.Zip(
            ("out/checkpoint-5/" + PeftFolder.ConfigFile, config), ("out/checkpoint-5/" + PeftFolder.WeightsFile, other), ("out/checkpoint-5/optimizer.pt", new byte[1000]),
            ("out/" + PeftFolder.WeightsFile, weights), ("out/" + PeftFolder.ConfigFile, config));
        JsonNode adapter = await Uploaded(client, zip);
        await client.Post("/v1/chat/completions", new { model = (string)adapter["model"]!, max_tokens = 3, messages = new[] { new { role = "user", content = "Hello" } } });
        using var back = new ZipArchive(await client.GetStreamAsync($"/v1/adapters/{adapter["id"]}/content"));
        using var same = new MemoryStream();
        using (Stream entry = back.GetEntry(PeftFolder.WeightsFile)!.Open()) entry.CopyTo(same);
        Assert.Equal(weights, same.ToArray());
        await client.DeleteAsync($"/v1/adapters/{adapter["id"]}");
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(service.Data, "tmp")));
    }

    /// <summary>PEFT wrote adapter_model.bin before safetensors; it comes back as safetensors.</summary>
    [Fact]
    public async Task Upload_PickledAdapter_IsServedAndComesBackAsSafetensors()
    {
        HttpClient client = await Client();
        byte[] weights = AdapterFiles.Weights(0.02f), pickled = AdapterFiles.Pickled(weights);
        JsonNode adapter = await Uploaded(client, AdapterFiles.Zip((PeftFolder.ConfigFile, AdapterFiles.ConfigBytes), ("adapter_model.bin", pickled)));
        await client.Post("/v1/chat/completions", new { model = (string)adapter["model"]!, max_tokens = 3, messages = new[] { new { role = "user", content = "Hello" } } });
        using var back = new ZipArchive(await client.GetStreamAsync($"/v1/adapters/{adapter["id"]}/content"));
        Assert.Equal([PeftFolder.ConfigFile, PeftFolder.WeightsFile], back.Entries.Select(entry => entry.FullName).Order(StringComparer.Ordinal));
        using var same = new MemoryStream();
        using (Stream entry = back.GetEntry(PeftFolder.WeightsFile)!.Open()) entry.CopyTo(same);
        Assert.Equal(weights, same.ToArray());
        await client.DeleteAsync($"/v1/adapters/{adapter["id"]}");
    }

    [Fact]
    public async Task Upload_PickleThatAsksForCode_IsRefusedByName()
    {
        byte[] pickle = [0x80, 2, .. "cposix\nsystem\nX\u0002\0\0\0id\u0085R."u8];
        Assert.Contains("asks for posix.system", await Refused(AdapterFiles.Zip((PeftFolder.ConfigFile, AdapterFiles.ConfigBytes), ("adapter_model.bin", TorchTestFile.Zip(pickle, [])))));
        Assert.Contains("adapter_model.bin is not a usable PyTorch file", await Refused(AdapterFiles.Zip((PeftFolder.ConfigFile, AdapterFiles.ConfigBytes), ("adapter_model.bin", [1, 2, 3]))));
    }

    [Fact]
    public async Task Upload_BeyondTheFrameworksOwnLimit_IsTaken()
    {
        // ASP.NET's forms end at 128 MiB; ours at FineTune:MaxUploadBytes.
        string zip = Path.GetTempFileName();
        try
        {
            using (var archive = new ZipArchive(File.Create(zip), ZipArchiveMode.Create))
            {
                foreach ((string name, byte[] bytes) in new[] { (PeftFolder.ConfigFile, AdapterFiles.ConfigBytes), (PeftFolder.WeightsFile, AdapterFiles.Weights()), ("padding", new byte[129 << 20]) })
                {
                    using Stream entry = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
                    entry.Write(bytes);
                }
            }
            HttpClient client = await Client();
            HttpResponseMessage answer = await client.PostAsync("/v1/adapters", AdapterFiles.Form(new StreamContent(File.OpenRead(zip))));
            string text = await answer.Content.ReadAsStringAsync();
            Assert.True(answer.IsSuccessStatusCode, text);
            await client.DeleteAsync($"/v1/adapters/{JsonNode.Parse(text)!["id"]}");
        }
        finally
        {
            File.Delete(zip);
        }
    }

    [Fact]
    public async Task Delete_TheSameAtOnce_OneIsTold()
    {
        HttpClient client = await Client();
        for (int round = 0; round < 5; round++)
        {
            string id = (string)(await Uploaded(client, AdapterFiles.Zip()))["id"]!;
            HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => client.DeleteAsync($"/v1/adapters/{id}")));
            Assert.Equal([200, 404, 404, 404, 404, 404], answers.Select(answer => (int)answer.StatusCode).Order());
        }
        Assert.Empty((await client.Get("/v1/adapters"))["data"]!.AsArray());
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(service.Data, "adapters"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Calls_WhileTheAdapterIsDeleted_AreDoneOr404()
    {
        HttpClient client = await Client();
        for (int round = 0; round < 5; round++)
        {
            string id = (string)(await Uploaded(client, AdapterFiles.Zip()))["id"]!;
            Task<HttpResponseMessage>[] calls =
            [
                client.GetAsync($"/v1/adapters/{id}/content"), client.PostAsJsonAsync($"/v1/adapters/{id}/merge", new { }), client.DeleteAsync($"/v1/adapters/{id}"),
                client.GetAsync($"/v1/adapters/{id}/content"), client.GetAsync("/v1/models"), client.PostAsJsonAsync($"/v1/adapters/{id}/merge", new { }),
            ];
            foreach (HttpResponseMessage answer in await Task.WhenAll(calls))
                Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound, await answer.Content.ReadAsStringAsync());
            foreach (JsonNode? model in (await client.Get("/v1/models"))["data"]!.AsArray().Where(model => (string?)model!["kind"] == "merged"))
                await Task.WhenAll(client.DeleteAsync($"/v1/models/{model!["id"]}"), client.GetAsync("/v1/models"));
        }
        foreach (string folder in new[] { "tmp", "merged" }) Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(service.Data, folder)));
    }

    [Fact]
    public async Task Merge_AdapterDamagedOnDisk_Is503AndLeavesNoFolder()
    {
        HttpClient client = await Client();
        JsonNode adapter = await Uploaded(client, AdapterFiles.Zip());
        string weights = Directory.GetFiles(Path.Combine(service.Data, "adapters"), PeftFolder.WeightsFile, SearchOption.AllDirectories).Single();
        File.WriteAllBytes(weights, new byte[20]);
        Assert.Contains(PeftFolder.WeightsFile, (string)(await client.PostAsJsonAsync($"/v1/adapters/{adapter["id"]}/merge", new { }).Error(HttpStatusCode.ServiceUnavailable))["message"]!);
        File.Delete(weights);
        Assert.Contains(PeftFolder.WeightsFile, (string)(await client.GetAsync($"/v1/adapters/{adapter["id"]}/content").Error(HttpStatusCode.ServiceUnavailable))["message"]!);
        await client.PostAsJsonAsync($"/v1/adapters/{adapter["id"]}/merge", new { }).Error(HttpStatusCode.ServiceUnavailable);
        foreach (string folder in new[] { "tmp", "merged" }) Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(service.Data, folder)));
        Assert.Equal(HttpStatusCode.OK, (await client.DeleteAsync($"/v1/adapters/{adapter["id"]}")).StatusCode);
    }

    [Theory]
    [InlineData("multipart/form-data", "x", 400)]
    [InlineData("multipart/form-data; boundary=b", "garbage", 400)]
    [InlineData("application/x-www-form-urlencoded", "model=x", 415)]
    public async Task Upload_MalformedForm_HasAnErrorObject(string contentType, string body, int status)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        await (await Client()).PostAsync("/v1/adapters", content).Error((HttpStatusCode)status);
    }

    private async Task<string> Refused(byte[] zip)
    {
        HttpClient client = await Client();
        JsonNode error = await client.PostAsync("/v1/adapters", AdapterFiles.Form(zip)).Error(HttpStatusCode.BadRequest);
        Assert.Equal("invalid_adapter", (string?)error["code"]);
        Assert.Empty((await client.Get("/v1/adapters"))["data"]!.AsArray());
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(service.Data, "tmp")));
        Assert.DoesNotContain("System.", (string)error["message"]!);
        return (string)error["message"]!;
    }

    private static async Task<JsonNode> Uploaded(HttpClient client, byte[] zip)
    {
        HttpResponseMessage answer = await client.PostAsync("/v1/adapters", AdapterFiles.Form(zip));
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
