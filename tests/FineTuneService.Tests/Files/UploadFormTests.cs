using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Files;

/// <summary>Forms that clients get wrong: each is refused by what is wrong with it, and leaves nothing.</summary>
public sealed class UploadFormTests(TestService service) : IClassFixture<TestService>
{
    private const string Purpose = "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nfine-tune\r\n";
    private const string File = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\n{}\r\n";
    private const string End = "--b--\r\n";

    public static TheoryData<string, string> Refused => new()
    {
        { Purpose + File + File + End, "'file' is there twice" },
        { Purpose + Purpose + File + End, "'purpose' is there twice" },
        { Purpose + File.Replace("{}", "") + End, "empty" },
        { Purpose + End, "'file'" },
        { File + End, "'purpose'" },
        { Purpose.Replace("fine-tune", "") + File + End, "purpose must be one of" },
        { Purpose.Replace("fine-tune", "fine-tune\n") + File + End, "purpose must be one of" },
        { Purpose.Replace("fine-tune", "fine\0tune") + File + End, "purpose must be one of" },
        { Purpose.Replace("fine-tune", new string('x', 1 << 20)) + File + End, "'purpose' is longer" },
        { Purpose.Replace("\r\n\r\n", "\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n") + File + End, "charset utf-7" },
        { Purpose.Replace("\r\n\r\n", "\r\nContent-Type: text/plain; charset=utf-16le\r\n\r\n") + File + End, "charset utf-16le" },
        { Purpose.Replace("fine-tune", "\u00ff") + File + End, "'purpose' is not UTF-8" },
        { Purpose + File.Replace("a.jsonl", "a\tb\u0001.jsonl") + End, "control characters" },
        { Purpose + File.Replace("a.jsonl", new string('n', 300)) + End, "300 characters" },
        { Purpose + File.Replace("a.jsonl", new string('n', 1 << 16)) + End, "16 KB" },
        { Purpose + File.Replace("\r\n\r\n", string.Concat(Enumerable.Range(0, 20).Select(i => $"\r\nX-{i}: b")) + "\r\n\r\n") + End, "16 headers" },
        { Purpose + File.Replace("name=\"file\"", "name=\"files[]\"") + End, "'files[]'" },
        { Purpose + File.Replace("Content-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"", "X: y") + End, "Content-Disposition" },
    };

    [Theory, MemberData(nameof(Refused))]
    public async Task Upload_BadForm_Is400ThatSaysWhat(string body, string why)
    {
        string tenant = $"t{Guid.NewGuid():n}";
        HttpClient client = service.With(await service.NewTenant(tenant));
        JsonNode error = await client.PostAsync("/v1/files", Form(body)).Error(HttpStatusCode.BadRequest);
        Assert.Contains(why, (string?)error["message"]);
        Assert.Empty((await client.Get("/v1/files"))["data"]!.AsArray());
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(service.Data, "tmp")));
        string blobs = Path.Combine(service.Data, "blobs", tenant);
        Assert.False(Directory.Exists(blobs) && Directory.EnumerateFileSystemEntries(blobs).Any());
    }

    [Theory]
    [InlineData("boundary=")]
    [InlineData("charset=utf-8")]
    [InlineData("boundary=71")]
    [InlineData("boundary=5000")]
    public async Task Upload_BoundaryThatIsNone_Is400(string parameter)
    {
        string value = parameter.Replace("71", new string('b', 71)).Replace("5000", new string('b', 5000));
        JsonNode error = await (await Client()).PostAsync("/v1/files", Form(Purpose + File + End, value)).Error(HttpStatusCode.BadRequest);
        Assert.Contains("boundary", (string?)error["message"]);
    }

    [Theory]
    [InlineData("filename=\"naïve 日本語 😀.jsonl\"", "naïve 日本語 😀.jsonl")]
    [InlineData("filename=\"x\"; filename*=UTF-8''na%C3%AFve.jsonl", "naïve.jsonl")]
    [InlineData("filename=\"C:\\data\\a.jsonl\"", "a.jsonl")]
    [InlineData("filename=\"../../etc/passwd\"", "passwd")]
    [InlineData("filename=\"say \\\"hi\\\".jsonl\"", "say \"hi\".jsonl")]
    [InlineData("filename=\"\"", "upload")]
    [InlineData("filename=\"a;b=c, d.jsonl\"", "a;b=c, d.jsonl")]
    public async Task Upload_OddFilename_IsKeptWithoutItsPathAndComesBack(string parameter, string name)
    {
        HttpClient client = await Client();
        HttpResponseMessage answer = await client.PostAsync("/v1/files", Form(Purpose + File.Replace("filename=\"a.jsonl\"", parameter) + End));
        JsonNode file = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Equal(name, (string?)file["filename"]);
        HttpResponseMessage content = await client.GetAsync($"/v1/files/{file["id"]}/content");
        Assert.Equal(("{}", name), (await content.Content.ReadAsStringAsync(), content.Content.Headers.ContentDisposition!.FileNameStar));
    }

    [Fact]
    public async Task Upload_FieldInAsciiUnderAnotherCharset_IsTaken()
    {
        // Java's HTTP clients write this header by themselves.
        string body = Purpose.Replace("\r\n\r\n", "\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n\r\n") + File + End;
        Assert.Equal(HttpStatusCode.OK, (await (await Client()).PostAsync("/v1/files", Form(body))).StatusCode);
    }

    /// <summary>In UTF-8, except for U+00FF, which is a byte that UTF-8 does not have.</summary>
    private static ByteArrayContent Form(string body, string parameter = "boundary=b")
    {
        byte[] bytes = [.. body.Split('\u00ff').Select(Encoding.UTF8.GetBytes).Aggregate((before, after) => [.. before, 0xff, .. after])];
        var content = new ByteArrayContent(bytes);
        content.Headers.TryAddWithoutValidation("Content-Type", $"multipart/form-data; {parameter}");
        return content;
    }

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
