using System.IO.Compression;
using System.Net;
using System.Text.Json.Nodes;
using FineTuneService.Receipts;
using FineTuneService.Tests.FineTuningJobs;

namespace FineTuneService.Tests.Receipts;

/// <summary>What else than LoRA comes with a receipt, and what by its nature has none.</summary>
public sealed class TechniqueReceiptTests(TestService service) : IClassFixture<TestService>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("finetune-receipt-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory, InlineData("full"), InlineData("llama_adapter")]
    public async Task Job_OfAnotherTechnique_HasAReceiptThatHoldsAndIsReproduced(string technique)
    {
        HttpClient client = service.With(await service.NewTenant("receipt-" + technique.Replace('_', '-')));
        string job = (string)(await client.Post("/v1/fine_tuning/jobs", new
        {
            model = TestService.BaseModel,
            training_file = await client.Upload(JobCalls.Rows(10)),
            technique,
            training = new { max_steps = 3, batch_size = 2, save_every = 0 },
        }))["id"]!;
        string model = (string)(await client.Ended(job))["fine_tuned_model"]!;
        JsonNode receipt = await client.Get($"/v1/models/{model}/receipt");
        Assert.Equal((job, technique), ((string)receipt["job"]!, (string)receipt["settings"]!["technique"]!));

        byte[] zip = await client.GetByteArrayAsync(technique == "full" ? $"/v1/models/{model}/content" : $"/v1/adapters/{(await client.Get("/v1/adapters"))["data"]![0]!["id"]}/content");
        new ZipArchive(new MemoryStream(zip)).ExtractToDirectory(_folder);
        Assert.Equal(0, VerifyCommand.Run([_folder, "--key", Path.Combine(service.Data, "receipt-key.pub.pem")]));
        string weights = Directory.GetFiles(_folder, "*.safetensors").Single();
        byte[] bytes = File.ReadAllBytes(weights);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(weights, bytes);
        Assert.StartsWith($"{Path.GetFileName(weights)} is not the file", Assert.Single(ReceiptCheck.Folder(_folder).Faults));

        int models = (await client.Get("/v1/models"))["data"]!.AsArray().Count;
        Assert.True((bool)(await client.Post($"/v1/fine_tuning/jobs/{job}/reproduce", new { }))["equal"]!);
        Assert.Equal(models, (await client.Get("/v1/models"))["data"]!.AsArray().Count);
    }

    [Fact]
    public async Task Receipt_OfABaseOrAMergedModel_SaysByNameWhyThereIsNone()
    {
        HttpClient client = service.With(await service.NewTenant("receipt-none"));
        string job = await client.Train(await client.Upload(JobCalls.Rows(10)), new { max_steps = 1, batch_size = 2 });
        await client.Ended(job);
        string adapter = (string)(await client.Get("/v1/adapters"))["data"]![0]!["id"]!, merged = (string)(await client.Post($"/v1/adapters/{adapter}/merge", new { }))["id"]!;
        foreach ((string model, string says) in new[] { (TestService.BaseModel, "base model"), (merged, $"/v1/adapters/{adapter}/receipt") })
        {
            JsonNode error = await client.GetAsync($"/v1/models/{model}/receipt", TestContext.Current.CancellationToken).Error(HttpStatusCode.NotFound);
            Assert.Equal("no_receipt", (string?)error["code"]);
            Assert.Contains(says, (string)error["message"]!);
        }
        HttpClient other = service.With(await service.NewTenant("receipt-other"));
        Assert.Equal("model_not_found", (string?)(await other.GetAsync($"/v1/models/{merged}/receipt", TestContext.Current.CancellationToken).Error(HttpStatusCode.NotFound))["code"]);
        Assert.True((await client.DeleteAsync($"/v1/models/{merged}", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
    }
}
