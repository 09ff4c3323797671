using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Training;
using FineTuneService.FineTuningJobs;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>The training loop's options: what the Engine gets of them, and what is refused.</summary>
public sealed class TrainingOptionTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public void Read_EveryOption_ReachesTheEngine()
    {
        TrainingConfig config = Read(new CreateJobRequest
        {
            Model = "m",
            TrainingFile = "f",
            ValidationFile = "v",
            Lora = new LoraBody { LoraplusLrRatio = 16 },
            Training = new TrainingBody
            {
                Optimizer = "sgd",
                Momentum = 0.9,
                Nesterov = true,
                PagedOptimizer = true,
                LrScheduler = "warmup_stable_decay",
                LrSchedulerKwargs = new LrSchedulerBody { NumDecaySteps = 7, NumStableSteps = 3, MinLrRate = 0.1, DecayType = "1-sqrt" },
                NeftuneAlpha = 5,
                EarlyStopping = new EarlyStoppingBody { Patience = 2, Threshold = 0.01 },
                Keep = "best",
            },
        }).For(100);
        Assert.Equal(("sgd", 0.9, true, true, 16.0), (config.Optimizer.Name, config.Optimizer.Momentum, config.Optimizer.Nesterov, config.Optimizer.Paged, config.Optimizer.LoraPlusRatio));
        Assert.Equal(LrScheduler.WarmupStableDecay, config.Scheduler);
        Assert.Equal(new ScheduleOptions { DecaySteps = 7, StableSteps = 3, SmallestShare = 0.1, DecayCurve = RateCurve.OneMinusSqrt }, config.ScheduleOptions);
        Assert.Equal((5.0, new EarlyStopping(2, 0.01), true), (config.NeftuneAlpha, config.EarlyStopping, config.KeepBest));
    }

    [Theory]
    [InlineData("constant"), InlineData("linear"), InlineData("cosine"), InlineData("cosine_with_restarts"), InlineData("cosine_with_min_lr"), InlineData("polynomial")]
    [InlineData("inverse_sqrt"), InlineData("warmup_stable_decay")]
    public void Read_SchedulersOfTransformers_HaveRates(string scheduler)
    {
        TrainingConfig config = Read(new CreateJobRequest { Model = "m", TrainingFile = "f", Training = new TrainingBody { LrScheduler = scheduler, MaxSteps = 20 } }).For(100);
        double[] rates = [.. Enumerable.Range(1, 20).Select(step => LearningRate.At(step, 20, config))];
        Assert.All(rates, rate => Assert.InRange(rate, 0, config.LearningRate));
        Assert.Equal(config.LearningRate, rates.Max(), 1e-12);
    }

    [Theory]
    [InlineData("{\"lr_scheduler\": \"reduce_lr_on_plateau\"}", "training.lr_scheduler")]
    [InlineData("{\"lr_scheduler_kwargs\": {\"num_cycles\": 0}}", "training.lr_scheduler_kwargs.num_cycles")]
    [InlineData("{\"lr_scheduler_kwargs\": {\"min_lr_rate\": 1.5}}", "training.lr_scheduler_kwargs.min_lr_rate")]
    [InlineData("{\"lr_scheduler_kwargs\": {\"power\": 0}}", "training.lr_scheduler_kwargs.power")]
    [InlineData("{\"lr_scheduler_kwargs\": {\"lr_end\": -1}}", "training.lr_scheduler_kwargs.lr_end")]
    [InlineData("{\"lr_scheduler_kwargs\": {\"timescale\": 0}}", "training.lr_scheduler_kwargs.timescale")]
    [InlineData("{\"lr_scheduler_kwargs\": {\"num_stable_steps\": -1}}", "training.lr_scheduler_kwargs.num_stable_steps")]
    [InlineData("{\"lr_scheduler_kwargs\": {\"num_decay_steps\": 0}}", "training.lr_scheduler_kwargs.num_decay_steps")]
    [InlineData("{\"lr_scheduler_kwargs\": {\"decay_type\": \"sqrt\"}}", "training.lr_scheduler_kwargs.decay_type")]
    [InlineData("{\"optimizer\": \"sgd\", \"nesterov\": true}", "training.nesterov")]
    [InlineData("{\"momentum\": 1}", "training.momentum")]
    [InlineData("{\"neftune_alpha\": -1}", "training.neftune_alpha")]
    [InlineData("{\"early_stopping\": {\"patience\": 0}}", "training.early_stopping.patience")]
    [InlineData("{\"early_stopping\": {\"patience\": 1, \"threshold\": -1}}", "training.early_stopping.threshold")]
    [InlineData("{\"early_stopping\": {\"patience\": 1}}", "training.early_stopping")]
    [InlineData("{\"keep\": \"first\"}", "training.keep")]
    [InlineData("{\"keep\": \"best\"}", "training.keep")]
    public async Task CreateJob_ValueOutOfRange_IsRefusedByName(string training, string param)
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        var body = new JsonObject { ["model"] = TestService.BaseModel, ["training_file"] = "file-x", ["training"] = JsonNode.Parse(training) };
        JsonNode error = await client.PostAsJsonAsync("/v1/fine_tuning/jobs", body).Error(System.Net.HttpStatusCode.BadRequest);
        Assert.Equal(param, (string?)error["param"]);
    }

    [Fact]
    public async Task Job_EarlyStoppingOnTheBest_SaysSoAndKeepsThatStep()
    {
        HttpClient client = service.With(await service.NewTenant("early"));
        string file = await client.Upload(Rows("one two three four five", 6)), other = await client.Upload(Rows("nine eight seven six", 3));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new
        {
            model = TestService.BaseModel,
            training_file = file,
            validation_file = other,
            training = new { optimizer = "lion_8bit", learning_rate = 0.05, lr_scheduler = "constant", warmup = 0, max_steps = 60, eval_every = 2, early_stopping = new { patience = 2 }, keep = "best" },
        });
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.Equal("succeeded", (string?)ended["status"]);
        string[] said = [.. (await client.Get($"/v1/fine_tuning/jobs/{job["id"]}/events?limit=100"))["data"]!.AsArray().Select(e => (string)e!["message"]!)];
        Assert.Contains(said, message => message.StartsWith("Stopped early at step", StringComparison.Ordinal));
        Assert.Contains(said, message => message.StartsWith("The adapter is that of step", StringComparison.Ordinal));
        Assert.True((int)ended["progress"]!["step"]! < 60);
        Assert.Equal("best", (string?)ended["settings"]!["keep"]);
    }

    [Fact]
    public async Task Job_ValidationSplitThatHoldsNoRow_FailsWithWhatToDo()
    {
        HttpClient client = service.With(await service.NewTenant("none-held"));
        string file = await client.Upload(Rows("one two three", 4));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, training = new { keep = "best" }, dataset = new { validation_split = 0.01 } });
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.Equal("failed", (string?)ended["status"]);
        Assert.Equal(("invalid_configuration", "dataset.validation_split"), ((string?)ended["error"]!["code"], (string?)ended["error"]!["param"]));
    }

    private static string Rows(string completion, int count) =>
        string.Concat(Enumerable.Range(0, count).Select(i => $"{{\"prompt\": \"Row {i}:\", \"completion\": \" {completion}\"}}\n"));

    private static JobSettings Read(CreateJobRequest body)
    {
        JobSettings? settings = JobSettingsReader.Read(body, fastBf16: false, out JobBodyProblem? problem);
        Assert.Null(problem);
        return settings!;
    }
}
