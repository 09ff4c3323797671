using System.ClientModel;
using FineTuneService.Tests.Batches;
using OpenAI.Batch;

namespace FineTuneService.Tests.OfficialClients;

[Collection(OfficialClientsCollection.Name)]
public sealed class BatchClientTests(OpenAIClients clients) : ClientTests(clients)
{
    [Fact]
    public Task Batches_CreatedAndTakenUpAgain_EndWithTheirFiles() => Once(async () =>
    {
        BatchClient batches = Clients.Batches;
        BinaryContent one = await Batch(), other = await Batch();
        CreateBatchOperation first = Use.Call(() => batches.CreateBatch(one, false, Plain));
        CreateBatchOperation second = await Use.Call(() => batches.CreateBatchAsync(other, false, Plain));
        Use.Call(() => first.WaitForCompletion(None));
        await Use.Call(() => second.WaitForCompletionAsync(None).AsTask());
        string id = first.BatchId;
        foreach (CreateBatchOperation again in new[]
        {
            Use.Call(() => CreateBatchOperation.Rehydrate(batches, id, None)), await Use.Call(() => CreateBatchOperation.RehydrateAsync(batches, id, None)),
            Use.Call(() => CreateBatchOperation.Rehydrate(batches, first.RehydrationToken!, None)), await Use.Call(() => CreateBatchOperation.RehydrateAsync(batches, first.RehydrationToken!, None)),
        }) Assert.Equal((id, true), (again.BatchId, again.HasCompleted));
        foreach (ClientResult read in new[]
        {
            Use.Call(() => batches.GetBatch(id, Plain)), await Use.Call(() => batches.GetBatchAsync(id, Plain)), Use.Call(() => first.GetBatch(Plain)), await Use.Call(() => first.GetBatchAsync(Plain)),
            Use.Call(() => first.UpdateStatus(Plain)), await Use.Call(() => first.UpdateStatusAsync(Plain).AsTask()),
        })
        {
            Assert.Equal("completed", (string)Json(read)["status"]!);
            string output = (await Clients.Files.DownloadFileAsync((string)Json(read)["output_file_id"]!)).Value.ToString();
            Assert.Contains("\"custom_id\":\"a\"", output.Replace(" ", ""));
        }
    });

    [Fact]
    public Task Batches_Listed_AreAllThere() => Once(async () =>
    {
        BatchClient batches = Clients.Batches;
        string[] ids = [(await batches.CreateBatchAsync(await Batch(), false)).BatchId, (await batches.CreateBatchAsync(await Batch(), false)).BatchId];
        var options = new BatchCollectionOptions { PageSizeLimit = 1 };
        Assert.Empty(ids.Except(Use.All(() => batches.GetBatches(options, None)).Select(batch => batch.Id)));
        List<BatchJob> all = await Use.All(() => batches.GetBatchesAsync(options, None));
        Assert.Empty(ids.Except(all.Select(batch => batch.Id)));
        Assert.Equal("24h", all[0].CompletionWindow);
        int pages = Use.Pages(() => batches.GetBatches(null, 1, Plain)).Count;
        Assert.Equal(all.Count, pages);
        Assert.Equal(pages, (await Use.Pages(() => batches.GetBatchesAsync(null, 1, Plain))).Count);
    });

    [Fact]
    public Task Batches_Cancelled_SayThatTheyAre() => Once(async () =>
    {
        BatchClient batches = Clients.Batches;
        CreateBatchOperation first = await batches.CreateBatchAsync(await Batch(lines: 200), false), second = await batches.CreateBatchAsync(await Batch(lines: 200), false);
        Assert.Contains((string)Json(Use.Call(() => first.Cancel(Plain)))["status"]!, new[] { "cancelling", "cancelled" });
        Assert.Contains((string)Json(await Use.Call(() => second.CancelAsync(Plain)))["status"]!, new[] { "cancelling", "cancelled" });
    });

    private async Task<BinaryContent> Batch(int lines = 1) => Body(new
    {
        input_file_id = await Clients.Plain.Upload(string.Concat(Enumerable.Range(0, lines).Select(i => BatchCalls.Line(i == 0 ? "a" : $"a{i}", OpenAIClients.Model))), "batch"),
        endpoint = "/v1/chat/completions",
        completion_window = "24h",
    });
}
