using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Receipts;
using FineTuneService.Tests.FineTuningJobs;

namespace FineTuneService.Tests.Receipts;

public sealed class ReceiptTests(TestService service) : IClassFixture<TestService>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("finetune-receipt-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Receipt_OfADownloadedAdapter_HoldsAndNamesWhatWasChanged()
    {
        HttpClient client = service.With(await service.NewTenant("receipts"));
        string rows = JobCalls.Rows(10);
        (string job, string adapter) = await Trained(client, await client.Upload(rows));
        JsonNode receipt = await client.Get($"/v1/adapters/{adapter}/receipt");
        Assert.Equal((job, 3), ((string)receipt["job"]!, (int)receipt["steps"]!));
        Unpack(await client.GetByteArrayAsync($"/v1/adapters/{adapter}/content"));
        Assert.Empty(ReceiptCheck.Folder(_folder).Faults);

        string data = Path.Combine(_folder, "..", Path.GetFileName(_folder) + ".jsonl"), key = Path.Combine(service.Data, "receipt-key.pub.pem");
        string model = Path.Combine(AppContext.BaseDirectory, "BaseModel", TestService.BaseModel);
        try
        {
            File.WriteAllText(data, rows);
            Assert.Equal(0, VerifyCommand.Run([_folder, "--key", key, "--base", model, "--training-file", data]));
            File.WriteAllText(data, rows.Replace("count from 3", "count from 4")); // One byte.
            Assert.Equal(1, VerifyCommand.Run([_folder, "--training-file", data]));
        }
        finally
        {
            File.Delete(data);
        }
        byte[] weights = File.ReadAllBytes(Path.Combine(_folder, "adapter_model.safetensors"));
        weights[^1] ^= 1;
        File.WriteAllBytes(Path.Combine(_folder, "adapter_model.safetensors"), weights);
        Assert.StartsWith("adapter_model.safetensors is not the file", Assert.Single(ReceiptCheck.Folder(_folder).Faults));
        string path = Path.Combine(_folder, "receipt.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"seed\":5", "\"seed\":6"));
        Assert.Contains(ReceiptCheck.Folder(_folder).Faults, fault => fault.Contains("signature does not fit"));
        Assert.Equal(1, VerifyCommand.Run([_folder]));
        Assert.Equal(2, VerifyCommand.Run([]));
    }

    [Fact]
    public async Task Upload_AdapterWithItsReceipt_KeepsItAndOneThatDoesNotFitIs400()
    {
        HttpClient client = service.With(await service.NewTenant("receipts-up"));
        (_, string adapter) = await Trained(client, await client.Upload(JobCalls.Rows(10)));
        byte[] zip = await client.GetByteArrayAsync($"/v1/adapters/{adapter}/content");
        JsonNode again = JsonNode.Parse(await (await client.PostAsync("/v1/adapters", Form(zip), TestContext.Current.CancellationToken)).Content.ReadAsStringAsync())!;
        Assert.True(JsonNode.DeepEquals(await client.Get($"/v1/adapters/{adapter}/receipt"), await client.Get($"/v1/adapters/{again["id"]}/receipt")));
        using var changed = new MemoryStream();
        changed.Write(zip);
        using (var archive = new ZipArchive(changed, ZipArchiveMode.Update, leaveOpen: true))
        {
            ZipArchiveEntry entry = archive.GetEntry("receipt.json")!;
            string text;
            using (var reader = new StreamReader(entry.Open())) text = reader.ReadToEnd();
            entry.Delete();
            using var writer = new StreamWriter(archive.CreateEntry("receipt.json").Open());
            writer.Write(text.Replace("\"steps\":3", "\"steps\":4"));
        }
        Assert.Contains("signature", (string?)(await client.PostAsync("/v1/adapters", Form(changed.ToArray())).Error(HttpStatusCode.BadRequest))["message"]);
    }

    [Fact]
    public async Task Reproduce_SameInputs_IsEqualAndOneByteOfTheDataIsNamed()
    {
        HttpClient client = service.With(await service.NewTenant("reproduces"));
        string rows = JobCalls.Rows(10), file = await client.Upload(rows), other = await client.Upload(rows.Replace("count from 3", "count from 4"));
        (string job, _) = await Trained(client, file);
        JsonNode equal = await client.Post($"/v1/fine_tuning/jobs/{job}/reproduce", new { });
        Assert.True((bool)equal["equal"]!);
        Assert.Empty(equal["differs"]!.AsArray());
        Assert.Single((await client.Get("/v1/adapters"))["data"]!.AsArray());
        JsonNode differs = await client.Post($"/v1/fine_tuning/jobs/{job}/reproduce", new { training_file = other });
        Assert.Equal((false, "training_file"), ((bool)differs["equal"]!, (string)differs["differs"]!.AsArray().Single()!));
        // The file is gone; the same bytes under another id serve.
        Assert.True((await client.DeleteAsync($"/v1/files/{file}", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        await client.PostAsJsonAsync($"/v1/fine_tuning/jobs/{job}/reproduce", new { }, TestContext.Current.CancellationToken).Error(HttpStatusCode.NotFound);
        Assert.True((bool)(await client.Post($"/v1/fine_tuning/jobs/{job}/reproduce", new { training_file = await client.Upload(rows) }))["equal"]!);
    }

    private static async Task<(string Job, string Adapter)> Trained(HttpClient client, string file)
    {
        string job = await client.Train(file, new { max_steps = 3, batch_size = 2 });
        await client.Weights(job);
        return (job, (string)(await client.Get("/v1/adapters"))["data"]![0]!["id"]!);
    }

    private void Unpack(byte[] zip) => new ZipArchive(new MemoryStream(zip)).ExtractToDirectory(_folder);

    private static MultipartFormDataContent Form(byte[] zip) => new() { { new StringContent(TestService.BaseModel), "model" }, { new ByteArrayContent(zip), "file", "adapter.zip" } };
}
