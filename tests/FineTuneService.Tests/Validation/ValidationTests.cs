using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Validation;

/// <summary>What is said of a file is what a job on it does.</summary>
public sealed class ValidationTests(TestService service) : IClassFixture<TestService>
{
    private const string Base = TestService.BaseModel;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Validate_GoodRows_CountsWhatAJobWouldTrainOn()
    {
        HttpClient client = await Client();
        string file = await client.Upload(FineTuningJobs.JobCalls.Rows(30));
        JsonNode report = await client.Validate(file, new { model = Base });
        JsonNode estimate = await client.Post("/v1/fine_tuning/jobs/estimate", new { model = Base, training_file = file });
        Assert.True((bool)report["valid"]! && (bool)report["complete"]!);
        Assert.Equal(("prompt_completion", 30, 30), ((string)report["format"]!, (int)report["rows"]!, (int)report["trained_rows"]!));
        Assert.Equal((long)estimate["tokens"]!, (long)report["tokens"]!);
        JsonNode lengths = report["lengths"]!;
        Assert.InRange((double)lengths["mean"]!, (int)lengths["min"]!, (int)lengths["max"]!);
        Assert.Equal((long)report["tokens"]!, (long)Math.Round(30 * (double)lengths["mean"]!));
        Assert.True((double)lengths["p50"]! <= (double)lengths["p95"]! && (double)lengths["p95"]! <= (int)lengths["max"]!);
        Assert.Equal(30, report["histogram"]!.AsArray().Sum(bar => (int)bar!["rows"]!));
        Assert.InRange((long)report["trained_tokens"]!, 30, (long)report["tokens"]! - 30);
        Assert.Equal((0, 0, 0L), ((int)report["problem_count"]!, (int)report["truncation"]!["rows"]!, (long)report["truncation"]!["tokens"]!));
        Assert.Null(report["examples"]);
    }

    [Fact]
    public async Task Validate_RowsBeyondMaxSeqLength_SaysWhatIsLost()
    {
        HttpClient client = await Client();
        string longer = string.Join(' ', Enumerable.Range(0, 60)), file = await client.Upload($"{Row("a", " b")}{Row("count", $" {longer}")}{Row("c", " d")}");
        JsonNode whole = await client.Validate(file, new { model = Base }), cut = await client.Validate(file, new { model = Base, training = new { max_seq_length = 16 } });
        Assert.Equal((16, 1, "[2]"), ((int)cut["truncation"]!["max_seq_length"]!, (int)cut["truncation"]!["rows"]!, cut["truncation"]!["lines"]!.ToJsonString()));
        Assert.Equal((long)whole["tokens"]! - (long)cut["tokens"]!, (long)cut["truncation"]!["tokens"]!);
        Assert.Equal(whole["lengths"]!.ToJsonString(), cut["lengths"]!.ToJsonString());
        Assert.Equal(0, (int)whole["truncation"]!["rows"]!);
        Assert.True((bool)cut["valid"]!);
    }

    [Fact]
    public async Task Validate_BadRows_NamesEveryLineAndCountsTheGoodOnes()
    {
        HttpClient client = await Client();
        string file = await client.Upload($"{Row("a", " b")}{{\"prompt\": \"a\"}}\n{Row("c", " d")}{{broken\n{{\"prompt\": \"b\"}}\n{{\"prompt\": \"c\"}}\n{Row("e", " f")}");
        JsonNode report = await client.Validate(file, new { model = Base });
        Assert.False((bool)report["valid"]!);
        Assert.True((bool)report["complete"]!);
        Assert.Equal((4, 3), ((int)report["problem_count"]!, (int)report["trained_rows"]!));
        Assert.Equal([2, 4, 5, 6], report["problems"]!.AsArray().SelectMany(problem => problem!["lines"]!.AsArray()).Select(line => (int)line!).Order());
        JsonNode ended = await client.Ended((string)(await client.Post("/v1/fine_tuning/jobs", new { model = Base, training_file = file }))["id"]!);
        foreach (JsonNode? problem in report["problems"]!.AsArray()) Assert.Contains((string)problem!["message"]!, (string)ended["error"]!["message"]!);
    }

    [Fact]
    public async Task Validate_NothingButBadRows_StopsAndSaysSo()
    {
        HttpClient client = await Client();
        JsonNode report = await client.Validate(await client.Upload(string.Concat(Enumerable.Repeat("{}\n", 5000))), new { model = Base, examples = 3 });
        Assert.False((bool)report["valid"]! || (bool)report["complete"]!);
        Assert.Equal((0, 200), ((int)report["rows"]!, (int)report["problem_count"]!));
        Assert.Null(report["format"]);
        Assert.Null(report["lengths"]);
        Assert.Empty(report["examples"]!.AsArray());
        Assert.Contains("rest was not read", (string)report["problems"]!.AsArray()[^1]!["message"]!);
    }

    [Theory]
    [InlineData("assistant", "prompt", "answer")]
    [InlineData("all", "text", "text")]
    public async Task Validate_Examples_SayOfEachTokenWhetherItCarriesLossAndWhy(string trainOn, string prompt, string answer)
    {
        HttpClient client = await Client();
        string file = await client.Upload(Row("What is two and two?", " It is four.") + Row("a", " b"));
        JsonNode report = await client.Validate(file, new { model = Base, training = new { train_on = trainOn }, examples = 1 });
        JsonNode example = Assert.Single(report["examples"]!.AsArray())!;
        JsonNode[] tokens = [.. example["tokens"]!.AsArray().Select(token => token!)];
        Assert.Equal(1, (int)example["line"]!);
        Assert.StartsWith("What is two and two? It is four.", (string)example["text"]!);
        Assert.Equal((string)example["text"]!, string.Concat(tokens.Select(token => (string)token["text"]!)));
        string Said(string why) => string.Concat(tokens.Where(token => (string)token["why"]! == why).Select(token => (string)token["text"]!));
        Assert.Contains("is two and two?", Said(prompt));
        Assert.Contains("It is four.", Said(answer));
        Assert.Equal(("end", true), ((string)tokens[^1]["why"]!, (bool)tokens[^1]["loss"]!));
        Assert.All(tokens, token => Assert.Equal((string)token["why"]! is "answer" or "end" or "text", (bool)token["loss"]!));
        Assert.False((bool)tokens[0]["loss"]!);
    }

    [Fact]
    public async Task Validate_AnswerOfWeightZero_IsSaidToBeUnweighted()
    {
        HttpClient client = await Client();
        string file = await client.Upload("""{"messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "first", "weight": 0}, {"role": "user", "content": "two"}, {"role": "assistant", "content": "second"}]}""");
        JsonNode example = (await client.Validate(file, new { model = Base, examples = 1 }))["examples"]![0]!;
        string Said(string why) => string.Concat(example["tokens"]!.AsArray().Where(token => (string)token!["why"]! == why).Select(token => (string)token!["text"]!));
        Assert.Contains("first", Said("unweighted"));
        Assert.Contains("second", Said("answer"));
        Assert.Contains("one", Said("prompt"));
        Assert.Contains("two", Said("prompt"));
    }

    [Fact]
    public async Task Validate_Pairs_ShowsBothAnswersAndSupervisedRefusesThem()
    {
        HttpClient client = await Client();
        string file = await client.Upload("""{"prompt": "Greet Ada.", "chosen": " Good day!", "rejected": " What now?"}""");
        JsonNode report = await client.Validate(file, new { model = Base, method = new { type = "dpo" }, examples = 1 });
        Assert.Equal("preference", (string)report["format"]!);
        JsonNode example = report["examples"]![0]!;
        Assert.Contains("Good day!", (string)example["text"]!);
        Assert.Contains("What now?", (string)example["rejected"]!["text"]!);
        Assert.Equal((long)report["tokens"]!, example["tokens"]!.AsArray().Count + example["rejected"]!["tokens"]!.AsArray().Count);
        Assert.Contains("method dpo", (string)(await client.Validate(file, new { model = Base }))["problems"]![0]!["message"]!);
    }

    [Fact]
    public async Task Validate_WhatCannotBe_IsRefusedByName()
    {
        HttpClient client = await Client(), other = await Client();
        string file = await client.Upload(Row("a", " b")), batch = await client.Upload("{}", "batch");
        await other.PostAsJsonAsync($"/v1/files/{file}/validate", new { model = Base }, Cancel).Error(HttpStatusCode.NotFound);
        Assert.Equal("model", (string?)(await client.PostAsJsonAsync($"/v1/files/{file}/validate", new { model = "none" }, Cancel).Error(HttpStatusCode.NotFound))["param"]);
        Assert.Equal("examples", (string?)(await client.PostAsJsonAsync($"/v1/files/{file}/validate", new { model = Base, examples = 21 }, Cancel).Error(HttpStatusCode.BadRequest))["param"]);
        Assert.Equal("training.train_on", (string?)(await client.PostAsJsonAsync($"/v1/files/{file}/validate", new { model = Base, training = new { train_on = "x" } }, Cancel).Error(HttpStatusCode.BadRequest))["param"]);
        await client.PostAsJsonAsync($"/v1/files/{batch}/validate", new { model = Base }, Cancel).Error(HttpStatusCode.BadRequest);
    }

    private static string Row(string prompt, string completion) => $"{{\"prompt\": \"{prompt}\", \"completion\": \"{completion}\"}}\n";

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}

internal static class ValidationCalls
{
    public static Task<JsonNode> Validate(this HttpClient client, string file, object body) => client.Post($"/v1/files/{file}/validate", body);
}
