using System.ClientModel;
using System.Text;
using OpenAI.Files;

namespace FineTuneService.Tests.OfficialClients;

[Collection(OfficialClientsCollection.Name)]
public sealed class FileClientTests(OpenAIClients clients) : ClientTests(clients)
{
    private const string Content = "{\"prompt\": \"a\", \"completion\": \" b\"}\n";

    private static readonly FilePurpose FineTune = FilePurpose.FineTune;

    [Fact]
    public Task Files_UploadedEveryWay_AreListedReadAndDeleted() => Once(async () =>
    {
        OpenAIFileClient files = Clients.Files;
        FileUploadPurpose purpose = FileUploadPurpose.FineTune;
        var bytes = BinaryData.FromString(Content);
        string path = Path.Combine(Directory.CreateTempSubdirectory("finetune-upload-").FullName, "rows.jsonl");
        await File.WriteAllTextAsync(path, Content);
        (BinaryContent form, string type) = Form("purpose", "fine-tune");
        (BinaryContent again, string typeAgain) = Form("purpose", "fine-tune");
        string[] ids =
        [
            Use.Call(() => files.UploadFile(bytes.ToStream(), "rows.jsonl", purpose, None)).Value.Id,
            (await Use.Call(() => files.UploadFileAsync(bytes.ToStream(), "rows.jsonl", purpose, None))).Value.Id,
            Use.Call(() => files.UploadFile(bytes, "rows.jsonl", purpose)).Value.Id,
            (await Use.Call(() => files.UploadFileAsync(bytes, "rows.jsonl", purpose))).Value.Id,
            Use.Call(() => files.UploadFile(path, purpose)).Value.Id,
            (await Use.Call(() => files.UploadFileAsync(path, purpose))).Value.Id,
            (string)Json(Use.Call(() => files.UploadFile(form, type, Plain)))["id"]!,
            (string)Json(await Use.Call(() => files.UploadFileAsync(again, typeAgain, Plain)))["id"]!,
        ];
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        List<string>[] lists =
        [
            [.. Use.Call(() => files.GetFiles(None)).Value.Select(file => file.Id)],
            [.. (await Use.Call(() => files.GetFilesAsync(None))).Value.Select(file => file.Id)],
            [.. Use.Call(() => files.GetFiles(FineTune, None)).Value.Select(file => file.Id)],
            [.. (await Use.Call(() => files.GetFilesAsync(FineTune, None))).Value.Select(file => file.Id)],
            Ids(Use.Call(() => files.GetFiles("fine-tune", Plain))),
            Ids(await Use.Call(() => files.GetFilesAsync("fine-tune", Plain))),
            Ids(Use.Call(() => files.GetFiles("fine-tune", 1000, "asc", null, Plain))),
            Ids(await Use.Call(() => files.GetFilesAsync("fine-tune", 1000, "asc", null, Plain))),
        ];
        Assert.All(lists, list => Assert.Empty(ids.Except(list)));

        OpenAIFile file = Use.Call(() => files.GetFile(ids[0], None)).Value;
        Assert.Equal((ids[0], "rows.jsonl", Content.Length, FineTune), (file.Id, file.Filename, file.SizeInBytes, file.Purpose));
        Assert.InRange(file.CreatedAt, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddMinutes(1));
        Assert.Equal(ids[1], (await Use.Call(() => files.GetFileAsync(ids[1], None))).Value.Id);
        Assert.Equal(ids[2], (string)Json(Use.Call(() => files.GetFile(ids[2], Plain)))["id"]!);
        Assert.Equal(ids[3], (string)Json(await Use.Call(() => files.GetFileAsync(ids[3], Plain)))["id"]!);
        Assert.Equal(Content, Use.Call(() => files.DownloadFile(ids[4], None)).Value.ToString());
        Assert.Equal(Content, (await Use.Call(() => files.DownloadFileAsync(ids[5], None))).Value.ToString());
        Assert.Equal(Content, Use.Call(() => files.DownloadFile(ids[6], Plain)).GetRawResponse().Content.ToString());
        Assert.Equal(Content, (await Use.Call(() => files.DownloadFileAsync(ids[7], Plain))).GetRawResponse().Content.ToString());

        Assert.True(Use.Call(() => files.DeleteFile(ids[0], None)).Value.Deleted);
        Assert.True((await Use.Call(() => files.DeleteFileAsync(ids[1], None))).Value.Deleted);
        Assert.True((bool)Json(Use.Call(() => files.DeleteFile(ids[2], Plain)))["deleted"]!);
        Assert.True((bool)Json(await Use.Call(() => files.DeleteFileAsync(ids[3], Plain)))["deleted"]!);
        Assert.Equal(404, Assert.Throws<ClientResultException>(() => files.GetFile(ids[0])).Status);
        foreach (string rest in ids[4..]) await files.DeleteFileAsync(rest);
    });

    [Fact]
    public Task Uploads_InParts_BecomeAFileOrAreCancelled() => Once(async () =>
    {
        OpenAIFileClient files = Clients.Files;
        object begun = new { filename = "rows.jsonl", purpose = "fine-tune", bytes = Content.Length, mime_type = "text/jsonl" };
        (BinaryContent one, BinaryContent other) = (Body(begun), Body(begun));
        string first = (string)Json(Use.Call(() => files.CreateUpload(one, Plain)))["id"]!, second = (string)Json(await Use.Call(() => files.CreateUploadAsync(other, Plain)))["id"]!;
        (BinaryContent part, string type) = Form("data");
        (BinaryContent samePart, string sameType) = Form("data");
        BinaryContent parts = Body(new { part_ids = new[] { (string)Json(Use.Call(() => files.AddUploadPart(first, part, type, Plain)))["id"]! } });
        BinaryContent sameParts = Body(new { part_ids = new[] { (string)Json(await Use.Call(() => files.AddUploadPartAsync(second, samePart, sameType, Plain)))["id"]! } });
        string[] made =
        [
            (string)Json(Use.Call(() => files.CompleteUpload(first, parts, Plain)))["file"]!["id"]!,
            (string)Json(await Use.Call(() => files.CompleteUploadAsync(second, sameParts, Plain)))["file"]!["id"]!,
        ];
        foreach (string file in made)
        {
            Assert.Equal(Content, (await files.DownloadFileAsync(file)).Value.ToString());
            await files.DeleteFileAsync(file);
        }
        string third = (string)Json(files.CreateUpload(Body(begun)))["id"]!, fourth = (string)Json(files.CreateUpload(Body(begun)))["id"]!;
        Assert.Equal("cancelled", (string)Json(Use.Call(() => files.CancelUpload(third, Plain)))["status"]!);
        Assert.Equal("cancelled", (string)Json(await Use.Call(() => files.CancelUploadAsync(fourth, Plain)))["status"]!);
    });

    private static List<string> Ids(ClientResult page) => [.. Json(page)["data"]!.AsArray().Select(file => (string)file!["id"]!)];

    /// <summary>A multipart form with the content, and a field before it.</summary>
    private static (BinaryContent Form, string Type) Form(string field, string? purpose = null)
    {
        using var form = new MultipartFormDataContent();
        if (purpose is not null) form.Add(new StringContent(purpose), field);
        form.Add(new ByteArrayContent(Encoding.UTF8.GetBytes(Content)), purpose is null ? field : "file", "rows.jsonl");
        return (BinaryContent.Create(BinaryData.FromStream(form.ReadAsStream())), form.Headers.ContentType!.ToString());
    }
}
