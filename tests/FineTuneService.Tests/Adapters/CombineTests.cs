using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Adapters;

/// <summary>Adapters made into one: it is an adapter as any other, and says what it was made of.</summary>
public sealed class CombineTests(TestService service) : IClassFixture<TestService>
{
    private const string Path = "/v1/adapters/combine";

    /// <summary>Large enough for the adapters, whose numbers are small, to change an answer.</summary>
    private const double Weight = 20;

    [Theory]
    [InlineData("cat", null, 4)]
    [InlineData("svd", 4, 4)]
    [InlineData("linear", null, 2)]
    public async Task Combine_AnAdapterAndItself_CancelOrDouble(string type, int? rank, int expected)
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        JsonNode one = await client.UploadAdapter(seed: 3), same = await client.UploadAdapter(seed: 3);
        JsonNode twice = await client.Post(Path, Body(type, rank, (one, Weight), (same, Weight))), nothing = await client.Post(Path, Body(type, rank, (one, Weight), (same, -Weight)));
        Assert.Equal((expected, (double)expected), ((int)twice["rank"]!, (double)twice["alpha"]!));
        Assert.Equal(TestService.BaseModel, (string?)twice["base_model"]);
        // PEFT's linear adds roots, on both sides: of two equal adapters it makes four.
        JsonNode sum = await client.Post(Path, Body("cat", null, (one, (type == "linear" ? 4 : 2) * Weight)));
        Assert.Equal(await client.Chat((string)sum["model"]!), await client.Chat((string)twice["model"]!));
        Assert.Equal(await client.Chat(TestService.BaseModel), await client.Chat((string)nothing["model"]!));
        Assert.NotEqual(await client.Chat(TestService.BaseModel), await client.Chat((string)sum["model"]!));
    }

    [Fact]
    public async Task Combine_TwoAdapters_NamesThemAndIsDownloadedMergedAndDeleted()
    {
        HttpClient client = service.With(await service.NewTenant("combined"));
        JsonNode first = await client.UploadAdapter(seed: 1, chatTemplate: "{{ messages[0].content }}"), second = await client.UploadAdapter(seed: 2);
        var body = new { adapters = new object[] { new { id = (string)first["id"]!, weight = 0.7 }, new { id = (string)second["model"]!, weight = 0.3 } }, combination_type = "svd", svd_rank = 3, suffix = "both" };
        JsonNode combined = await client.Post(Path, body);
        Assert.Contains(":both:", (string)combined["model"]!);
        JsonNode lineage = combined["lineage"]!["combination"]!;
        Assert.Equal(("svd", 3), ((string)lineage["combination_type"]!, (int)lineage["svd_rank"]!));
        Assert.Equal([((string)first["id"]!, 0.7), ((string)second["id"]!, 0.3)], lineage["adapters"]!.AsArray().Select(part => ((string)part!["id"]!, (double)part["weight"]!)));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(MadeAdapter.Files(1)["adapter_model.safetensors"])), (string)lineage["adapters"]![0]!["sha256"]!);
        Assert.True(JsonNode.DeepEquals(combined, await client.Get($"/v1/adapters/{combined["id"]}")));

        using var zip = new ZipArchive(new MemoryStream(await client.GetByteArrayAsync($"/v1/adapters/{combined["id"]}/content")));
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "chat_template.jinja"], zip.Entries.Select(entry => entry.Name).Order());
        JsonNode config = JsonNode.Parse(zip.GetEntry("adapter_config.json")!.Open())!;
        Assert.Equal((3, 3, "down_proj"), ((int)config["r"]!, (int)config["lora_alpha"]!, (string)config["target_modules"]![0]!));
        Assert.Equal("no_receipt", (string?)(await client.GetAsync($"/v1/adapters/{combined["id"]}/receipt").Error(HttpStatusCode.NotFound))["code"]);
        // The same again is the same bytes; and it may itself be combined, and merged.
        JsonNode again = await client.Post(Path, body);
        Assert.Equal(await Weights(client, combined), await Weights(client, again));
        JsonNode further = await client.Post(Path, Body("cat", null, (combined, 1), (second, 1)));
        Assert.Equal(5, (int)further["rank"]!);
        JsonNode merged = await client.Post($"/v1/adapters/{combined["id"]}/merge", new { });
        Assert.Equal("merged", (string?)merged["kind"]);
        await client.DeleteAsync($"/v1/models/{merged["id"]}");
        await client.DeleteAsync($"/v1/adapters/{first["id"]}");
        await client.Chat((string)combined["model"]!); // It does not need what it was made of.
    }

    [Theory]
    [InlineData("""{"combination_type": "ties"}""", "combination_type")]
    [InlineData("""{"svd_rank": 2}""", "svd_rank")]
    [InlineData("""{"combination_type": "svd", "svd_rank": 0}""", "svd_rank")]
    [InlineData("""{"combination_type": "svd", "svd_rank": 2049}""", "svd_rank")]
    [InlineData("""{"suffix": "a/b"}""", "suffix")]
    [InlineData("""{"adapters": []}""", "adapters")]
    [InlineData("""{"adapters": [null]}""", "adapters")]
    [InlineData("""{"adapters": [{"id": "ID", "weight": 1e9}]}""", "adapters[0].weight")]
    [InlineData("""{"adapters": [{"id": "ID"}]}""", "adapters[0].weight")]
    public async Task Combine_WhatCannotBe_IsRefusedByItsField(string change, string param)
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        string id = (string)(await client.UploadAdapter(seed: 1))["id"]!;
        JsonObject body = JsonNode.Parse($$"""{"adapters": [{"id": "{{id}}", "weight": 1}], "combination_type": "cat"}""")!.AsObject();
        foreach ((string field, JsonNode? value) in JsonNode.Parse(change.Replace("ID", id))!.AsObject()) body[field] = value?.DeepClone();
        JsonNode error = await client.PostAsJsonAsync(Path, body).Error(HttpStatusCode.BadRequest);
        Assert.Equal(param, (string?)error["param"]);
    }

    [Fact]
    public async Task Combine_AdaptersThatAreNotOnesOwnOrOfAnotherBase_AreRefused()
    {
        HttpClient client = service.With(await service.NewTenant("combines")), other = service.With(await service.NewTenant("combines-not"));
        JsonNode own = await client.UploadAdapter(seed: 1), others = await other.UploadAdapter(seed: 2);
        JsonNode error = await client.PostAsJsonAsync(Path, Body("cat", null, (own, 1), (others, 1))).Error(HttpStatusCode.NotFound);
        Assert.Equal("adapters[1].id", (string?)error["param"]);

        await service.Admin.Post("/v1/models", new { id = "talers-copy", folder = System.IO.Path.Combine(AppContext.BaseDirectory, "BaseModel", TestService.BaseModel) });
        byte[] zip = await client.GetByteArrayAsync($"/v1/adapters/{own["id"]}/content");
        using var form = new MultipartFormDataContent { { new StringContent("talers-copy"), "model" }, { new ByteArrayContent(zip), "file", "adapter.zip" } };
        JsonNode elsewhere = JsonNode.Parse(await (await client.PostAsync("/v1/adapters", form)).Content.ReadAsStringAsync())!;
        error = await client.PostAsJsonAsync(Path, Body("cat", null, (own, 1), (elsewhere, 1))).Error(HttpStatusCode.BadRequest);
        Assert.Equal("adapters[1].id", (string?)error["param"]);
        await client.DeleteAsync($"/v1/adapters/{elsewhere["id"]}");
        await service.Admin.DeleteAsync("/v1/models/talers-copy");

        JsonNode wider = await client.Post(Path, Body("cat", null, (own, 1), (own, 1)));
        error = await client.PostAsJsonAsync(Path, Body("linear", null, (own, 1), (wider, 1))).Error(HttpStatusCode.BadRequest);
        Assert.Equal(("cannot_combine", "adapters"), ((string?)error["code"], (string?)error["param"]));
    }

    private static object Body(string type, int? rank, params (JsonNode Adapter, double Weight)[] adapters) => rank is null
        ? new { adapters = Parts(adapters), combination_type = type } : new { adapters = Parts(adapters), combination_type = type, svd_rank = rank };

    private static object[] Parts((JsonNode Adapter, double Weight)[] adapters) => [.. adapters.Select(part => new { id = (string)part.Adapter["id"]!, weight = part.Weight })];

    private static async Task<byte[]> Weights(HttpClient client, JsonNode adapter)
    {
        using var zip = new ZipArchive(new MemoryStream(await client.GetByteArrayAsync($"/v1/adapters/{adapter["id"]}/content")));
        using var weights = new MemoryStream();
        await zip.GetEntry("adapter_model.safetensors")!.Open().CopyToAsync(weights);
        return weights.ToArray();
    }
}
