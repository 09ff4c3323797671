using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>Jobs on pairs (method dpo), and on packed rows.</summary>
public sealed class JobMethodTests(TestService service) : IClassFixture<TestService>
{
    /// <summary>OpenAI's rows, and a base that has learnt neither answer: what is preferred becomes likelier than the other.</summary>
    [Fact]
    public async Task Job_PairsInOpenAIsShape_TrainsByDpo()
    {
        HttpClient client = service.With(await service.NewTenant("pairs"));
        string rows = string.Concat(Enumerable.Range(0, 24).Select(i =>
            $"{{\"input\": {{\"messages\": [{{\"role\": \"user\", \"content\": \"say {i}\"}}]}}, \"preferred_output\": [{{\"role\": \"assistant\", \"content\": \"yes {i}\"}}], \"non_preferred_output\": [{{\"role\": \"assistant\", \"content\": \"no {i}\"}}]}}\n"));
        string file = await client.Upload(rows);
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new
        {
            model = TestService.BaseModel,
            training_file = file,
            validation_file = await client.Upload(rows),
            method = new { type = "dpo", dpo = new { hyperparameters = new { beta = 0.2, n_epochs = 4, batch_size = 6 } } },
            training = new { learning_rate = 0.005 },
        });
        Assert.Equal(("dpo", 0.2, 4), ((string)job["method"]!["type"]!, (double)job["method"]!["dpo"]!["hyperparameters"]!["beta"]!, (int)job["method"]!["dpo"]!["hyperparameters"]!["n_epochs"]!));
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.True((string?)ended["status"] == "succeeded", ended.ToJsonString());
        double[] losses = [.. (await client.AllEvents((string)job["id"]!)).Select(e => (double?)e["data"]?["valid_loss"]).OfType<double>()];
        Assert.Equal(Math.Log(2), losses[0], 1e-3);
        Assert.True(losses[^1] < 0.5, string.Join(' ', losses));

        JsonNode supervised = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file });
        Assert.Contains("method dpo", (string)(await client.Ended((string)supervised["id"]!))["error"]!["message"]!);
    }

    [Fact]
    public async Task Job_PackedRows_TakesFewerOfThem()
    {
        HttpClient client = service.With(await service.NewTenant("packs"));
        string file = await client.Upload(JobCalls.Rows(60));
        object Body(bool packing) => new { model = TestService.BaseModel, training_file = file, training = new { packing, max_seq_length = 128, epochs = 1, batch_size = 2 } };
        JsonNode loose = await client.Post("/v1/fine_tuning/jobs/estimate", Body(false)), packed = await client.Post("/v1/fine_tuning/jobs/estimate", Body(true));
        Assert.Equal((60, (long)loose["tokens"]!), ((int)loose["train_rows"]!, (long)packed["tokens"]!));
        Assert.InRange((int)packed["train_rows"]!, 1, 20);
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", Body(true));
        Assert.Equal("succeeded", (string?)(await client.Ended((string)job["id"]!))["status"]);
    }

    /// <summary>What training took off the base is in the adapter's files, of twice the rank; the shared base answers as before.</summary>
    [Theory]
    [InlineData("pissa_niter_4", "none", 8)]
    [InlineData("olora", "none", 8)]
    [InlineData("loftq", "nf4", 4)]
    public async Task Job_InitialisedByTheBase_GivesAnAdapterOfTheBaseAsItIs(string begin, string quantization, int rank)
    {
        HttpClient client = service.With(await service.NewTenant("i" + Guid.NewGuid().ToString("n")[..8]));
        object body = new
        {
            model = TestService.BaseModel,
            training_file = await client.Upload(JobCalls.Rows(12)),
            lora = new { r = 4, target_modules = new[] { "q_proj" }, init_lora_weights = begin },
            quantization = new { type = quantization },
            training = new { max_steps = 2, batch_size = 4 },
        };
        JsonNode estimate = await client.Post("/v1/fine_tuning/jobs/estimate", body), job = await client.Post("/v1/fine_tuning/jobs", body);
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.True((string?)ended["status"] == "succeeded", ended.ToJsonString());
        JsonNode adapter = (await client.GetFromJsonAsync<JsonNode>("/v1/adapters"))!["data"]!.AsArray().First(row => (string?)row!["lineage"]!["job"] == (string)job["id"]!)!;
        Assert.Equal((rank, 2.0 * rank), ((int)adapter["rank"]!, (double)adapter["alpha"]!));
        Assert.Equal(rank == 4 ? 1 : 2, (int)Math.Round((double)estimate["adapter_bytes"]! / (4 * (double)estimate["trainable_parameters"]!)));
        await client.Post("/v1/completions", new { model = (string)adapter["model"]!, prompt = "hello", max_tokens = 2 });
    }

    [Theory]
    [InlineData("""{"lora": {"init_lora_weights": "eva"}}""", "lora.init_lora_weights")]
    [InlineData("""{"lora": {"init_lora_weights": "pissa_niter_0"}}""", "lora.init_lora_weights")]
    [InlineData("""{"lora": {"init_lora_weights": "loftq"}}""", "lora.init_lora_weights")]
    [InlineData("""{"lora": {"init_lora_weights": false}}""", "lora.init_lora_weights")]
    [InlineData("""{"method": {"type": "reinforcement"}}""", "method.type")]
    [InlineData("""{"method": {"type": "supervised", "dpo": {}}}""", "method.dpo")]
    [InlineData("""{"method": {"type": "dpo", "supervised": {}}}""", "method.supervised")]
    [InlineData("""{"dpo": {"beta": 0.1}}""", "dpo")]
    [InlineData("""{"method": {"type": "dpo"}, "dpo": {"beta": 0}}""", "dpo.beta")]
    [InlineData("""{"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": -1}}}}""", "method.dpo.hyperparameters.beta")]
    [InlineData("""{"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.1}}}, "dpo": {"beta": 0.1}}""", "dpo.beta")]
    [InlineData("""{"method": {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 0}}}}""", "method.dpo.hyperparameters.n_epochs")]
    [InlineData("""{"method": {"type": "dpo"}, "dpo": {"loss_type": "other"}}""", "dpo.loss_type")]
    [InlineData("""{"method": {"type": "dpo"}, "dpo": {"loss_type": "kto"}}""", "dpo.loss_type")]
    [InlineData("""{"method": {"type": "dpo"}, "dpo": {"f_divergence_type": "other"}}""", "dpo.f_divergence_type")]
    [InlineData("""{"method": {"type": "dpo"}, "dpo": {"simpo_gamma": 1}}""", "dpo.simpo_gamma")]
    [InlineData("""{"method": {"type": "dpo"}, "dpo": {"label_smoothing": 0.5}}""", "dpo.label_smoothing")]
    [InlineData("""{"method": {"type": "dpo"}, "dpo": {"loss_type": "ipo", "label_smoothing": 0.1}}""", "dpo.label_smoothing")]
    [InlineData("""{"method": {"type": "dpo"}, "training": {"packing": true}}""", "training.packing")]
    [InlineData("""{"method": {"type": "dpo"}, "training": {"train_on": "all"}}""", "training.train_on")]
    [InlineData("""{"method": {"type": "dpo"}, "dataset": {"prompt_template": "{q}"}}""", "dataset.prompt_template")]
    public async Task Create_MethodThatCannotBeUsed_IsRefusedByName(string options, string param)
    {
        HttpClient client = service.With(await service.NewTenant("m" + Guid.NewGuid().ToString("n")[..8]));
        JsonObject body = JsonNode.Parse(options)!.AsObject();
        (body["model"], body["training_file"]) = (TestService.BaseModel, await client.Upload(JobCalls.Rows(12)));
        JsonNode error = await client.PostAsync("/v1/fine_tuning/jobs", new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal(param, (string?)error["param"]);
    }
}
