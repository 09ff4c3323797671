using System.ClientModel;
using OpenAI.Models;

namespace FineTuneService.Tests.OfficialClients;

[Collection(OfficialClientsCollection.Name)]
public sealed class ModelClientTests(OpenAIClients clients) : ClientTests(clients)
{
    [Fact]
    public Task Models_OfTheTenant_AreListedReadAndDeleted() => Once(async () =>
    {
        OpenAIModelClient models = Clients.Models;
        var made = new List<string>();
        for (int seed = 0; seed < 4; seed++) made.Add((string)(await Clients.Plain.UploadAdapter(seed))["model"]!);
        string[] ids = [.. made];
        IEnumerable<string>[] lists =
        [
            Use.Call(() => models.GetModels(None)).Value.Select(model => model.Id),
            (await Use.Call(() => models.GetModelsAsync(None))).Value.Select(model => model.Id),
            Json(Use.Call(() => models.GetModels(Plain)))["data"]!.AsArray().Select(model => (string)model!["id"]!),
            Json(await Use.Call(() => models.GetModelsAsync(Plain)))["data"]!.AsArray().Select(model => (string)model!["id"]!),
        ];
        Assert.All(lists, list => Assert.Empty(ids.Append(OpenAIClients.Model).Except(list)));

        OpenAIModel model = Use.Call(() => models.GetModel(ids[0], None)).Value;
        Assert.Equal((ids[0], "dotnet"), (model.Id, model.OwnedBy));
        Assert.InRange(model.CreatedAt, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddMinutes(1));
        Assert.Equal(OpenAIClients.Model, (await Use.Call(() => models.GetModelAsync(OpenAIClients.Model, None))).Value.Id);
        Assert.Equal(ids[2], (string)Json(Use.Call(() => models.GetModel(ids[2], Plain)))["id"]!);
        Assert.Equal(ids[3], (string)Json(await Use.Call(() => models.GetModelAsync(ids[3], Plain)))["id"]!);

        Assert.True(Use.Call(() => models.DeleteModel(ids[0], None)).Value.Deleted);
        Assert.True((await Use.Call(() => models.DeleteModelAsync(ids[1], None))).Value.Deleted);
        Assert.True((bool)Json(Use.Call(() => models.DeleteModel(ids[2], Plain)))["deleted"]!);
        Assert.True((bool)Json(await Use.Call(() => models.DeleteModelAsync(ids[3], Plain)))["deleted"]!);
        Assert.Equal(404, Assert.Throws<ClientResultException>(() => models.GetModel(ids[0])).Status);
        Assert.Equal(403, Assert.Throws<ClientResultException>(() => models.DeleteModel(OpenAIClients.Model)).Status);
    });
}
