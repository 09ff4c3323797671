using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Adapters;

/// <summary>Uploads that are no adapter are refused with what is wrong, and leave nothing.</summary>
public sealed class AdapterUploadTests(TestService service) : IClassFixture<TestService>
{
    private const string Config = "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 4, \"target_modules\": [\"q_proj\"]}";

    [Theory]
    [InlineData("{\"peft_type\": \"LORA\", \"r\": \"x\", \"lora_alpha\": 4, \"target_modules\": [\"q_proj\"]}", null, "r = \"x\" has the wrong type")]
    [InlineData("{\"peft_type\": \"LORA\", \"r\": 1, \"r\": 2}", null, "not JSON")]
    [InlineData("{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 4, \"target_modules\": [null]}", null, "target_modules")]
    [InlineData("{\"peft_type\": \"LORA\", \"bias\": 3, \"r\": 2, \"lora_alpha\": 4, \"target_modules\": [\"q_proj\"]}", null, "bias = 3")]
    [InlineData(Config, "{}", "prompt_template.json needs")]
    [InlineData(Config, null, "tensor")]
    public async Task Upload_NotAnAdapter_SaysWhy(string config, string? promptTemplate, string why)
    {
        byte[] empty = [2, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}'];
        var files = new Dictionary<string, byte[]> { ["adapter_config.json"] = Encoding.UTF8.GetBytes(config), ["adapter_model.safetensors"] = empty };
        if (promptTemplate is not null) files["prompt_template.json"] = Encoding.UTF8.GetBytes(promptTemplate);
        Assert.Contains(why, await Refused(Zip(files)));
    }

    [Fact]
    public async Task Upload_NoZipOrATextTooLong_IsRefused()
    {
        Assert.Contains("not a zip", await Refused([]));
        Assert.Contains("unpacks to more than", await Refused(Zip(new() { ["adapter_config.json"] = new byte[2 << 20], ["adapter_model.safetensors"] = [] })));
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
        using var form = new MultipartFormDataContent { { new StringContent(TestService.BaseModel), "model" }, { new ByteArrayContent(zip), "file", "adapter.zip" } };
        JsonNode error = await client.PostAsync("/v1/adapters", form).Error(HttpStatusCode.BadRequest);
        Assert.Equal("invalid_adapter", (string?)error["code"]);
        Assert.Empty((await client.Get("/v1/adapters"))["data"]!.AsArray());
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(service.Data, "tmp")));
        return (string)error["message"]!;
    }

    private static byte[] Zip(Dictionary<string, byte[]> files)
    {
        var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in files)
            {
                using Stream entry = archive.CreateEntry(name).Open();
                entry.Write(bytes);
            }
        }
        return zip.ToArray();
    }

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
