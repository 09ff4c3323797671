using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Optimizers;
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
                LrSchedulerKwargs = new LrSchedulerBody { NumDecaySteps = 7, NumStableSteps = 3, MinLrRate = 0.1, DecayType = "1-sqrt", WarmupType = "cosine" },
                NeftuneAlpha = 5,
                EarlyStopping = new EarlyStoppingBody { Patience = 2, Threshold = 0.01 },
                Keep = "best",
                GradientCheckpointing = true,
            },
        }).For(100);
        Assert.True(config.GradientCheckpointing);
        Assert.Equal(("sgd", 0.9, true, true, 16.0), (config.Optimizer.Name, config.Optimizer.Momentum, config.Optimizer.Nesterov, config.Optimizer.Paged, config.Optimizer.LoraPlusRatio));
        Assert.Equal(LrScheduler.WarmupStableDecay, config.Scheduler);
        Assert.Equal(new ScheduleOptions { DecaySteps = 7, StableSteps = 3, SmallestShare = 0.1, DecayCurve = RateCurve.OneMinusSqrt, WarmupCurve = RateCurve.Cosine }, config.ScheduleOptions);
        Assert.Equal((5.0, new EarlyStopping(2, 0.01), true), (config.NeftuneAlpha, config.EarlyStopping, config.KeepBest));
    }

    [Fact]
    public void Read_OptionsOfAnOptimizer_ReachIt()
    {
        TrainingConfig Of(TrainingBody training) => Read(new CreateJobRequest { Model = "m", TrainingFile = "f", BaseDtype = "bf16", Training = training }).For(100);
        TrainingConfig adam = Of(new TrainingBody { Epsilon = 1e-6, AdapterDtype = "bf16" });
        Assert.Equal((1e-6, true), (adam.Optimizer.Epsilon, adam.AllBf16));
        var asked = new AdafactorBody { Eps = [1e-20, 0.01], ClipThreshold = 2, DecayRate = -0.5, Beta1 = 0.9, ScaleParameter = true, RelativeStep = true, WarmupInit = true };
        var expected = new AdafactorConfig { Epsilon1 = 1e-20, Epsilon2 = 0.01, ClipThreshold = 2, Decay = -0.5, Beta1 = 0.9, ScaleParameter = true, RelativeStep = true, WarmupInit = true };
        Assert.Equal(expected, Of(new TrainingBody { Optimizer = "adafactor", Adafactor = asked }).Optimizer.Adafactor);
        Assert.Equal((new OptimizerConfig(), false), (Of(new TrainingBody()).Optimizer, Of(new TrainingBody()).AllBf16)); // What the Engine has by itself.
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
    [InlineData("{\"lr_scheduler_kwargs\": {\"warmup_type\": \"sqrt\"}}", "training.lr_scheduler_kwargs.warmup_type")]
    [InlineData("{\"epsilon\": 0}", "training.epsilon")]
    [InlineData("{\"epsilon\": 1e-6, \"optimizer\": \"sgd\"}", "training.epsilon")]
    [InlineData("{\"adapter_dtype\": \"fp8\"}", "training.adapter_dtype")]
    [InlineData("{\"truncation_mode\": \"middle\"}", "training.truncation_mode")]
    [InlineData("{\"packing\": true, \"packing_strategy\": \"wrapped\", \"truncation_mode\": \"keep_end\"}", "training.truncation_mode")]
    [InlineData("{\"packing\": true, \"packing_strategy\": \"ffd\"}", "training.packing_strategy")]
    [InlineData("{\"packing_strategy\": \"wrapped\"}", "training.packing_strategy")]
    [InlineData("{\"adafactor\": {}}", "training.adafactor")]
    [InlineData("{\"optimizer\": \"adafactor_torch\", \"adafactor\": {\"beta1\": 0.9}}", "training.adafactor")]
    [InlineData("{\"optimizer\": \"adafactor\", \"adafactor\": {\"eps\": [1]}}", "training.adafactor.eps")]
    [InlineData("{\"optimizer\": \"adafactor\", \"adafactor\": {\"clip_threshold\": 0}}", "training.adafactor.clip_threshold")]
    [InlineData("{\"optimizer\": \"adafactor\", \"adafactor\": {\"decay_rate\": 0}}", "training.adafactor.decay_rate")]
    [InlineData("{\"optimizer\": \"adafactor\", \"adafactor\": {\"beta1\": 1}}", "training.adafactor.beta1")]
    [InlineData("{\"optimizer\": \"adafactor\", \"adafactor\": {\"warmup_init\": true}}", "training.adafactor.warmup_init")]
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
    public async Task Create_AdapterInBf16OnABaseInFp32_IsRefused()
    {
        HttpClient client = service.With(await service.NewTenant("narrow"));
        JsonNode error = await client.PostAsJsonAsync("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = "file-x", base_dtype = "fp32", training = new { adapter_dtype = "bf16" } })
            .Error(System.Net.HttpStatusCode.BadRequest);
        Assert.Equal("training.adapter_dtype", (string?)error["param"]);
    }

    [Fact]
    public async Task Job_GradientCheckpointing_TrainsTheSameBytesAndIsEstimatedSmaller()
    {
        HttpClient client = service.With(await service.NewTenant("checkpointing"));
        string file = await client.Upload(JobCalls.Rows(8));
        object Training(bool checkpointing) => new { max_steps = 3, batch_size = 4, gradient_checkpointing = checkpointing };
        async Task<JsonNode> Memory(bool checkpointing) =>
            (await client.Post("/v1/fine_tuning/jobs/estimate", new { model = TestService.BaseModel, training_file = file, training = Training(checkpointing) }))["memory"]!;
        JsonNode kept = await Memory(false), again = await Memory(true);
        Assert.True((long)again["activations"]! < (long)kept["activations"]!);
        Assert.True((long)again["total"]! < (long)kept["total"]!);

        string job = await client.Train(file, Training(true));
        Assert.Equal(await client.Weights(await client.Train(file, Training(false))), await client.Weights(job));
        Assert.True((bool)(await client.Get($"/v1/fine_tuning/jobs/{job}"))["settings"]!["gradient_checkpointing"]!);
        async Task<long> Peak(bool checkpointing) => (long)(await client.Post("/v1/fine_tuning/tradeoff", new
        {
            model = TestService.BaseModel,
            training_file = file,
            steps = 1,
            precisions = new[] { "none" },
            optimizers = new[] { "sgd" },
            gradient_checkpointing = checkpointing,
        }))["data"]![0]!["peak_bytes"]!;
        Assert.True(await Peak(true) < await Peak(false));
    }

    [Fact]
    public async Task Job_AdapterInBf16_IsSavedInIt()
    {
        HttpClient client = service.With(await service.NewTenant("bf16-adapter"));
        string file = await client.Upload(JobCalls.Rows(4));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, base_dtype = "bf16", training = new { max_steps = 2, batch_size = 2, adapter_dtype = "bf16" } });
        byte[] weights = await client.Weights((string)job["id"]!);
        int header = (int)BitConverter.ToInt64(weights);
        Assert.All(JsonNode.Parse(weights.AsSpan(8, header))!.AsObject().Where(tensor => tensor.Key != "__metadata__"), tensor => Assert.Equal("BF16", (string?)tensor.Value!["dtype"]));
    }

    [Theory]
    [InlineData(null, "keep_start", false)]
    [InlineData(null, "keep_end", false)]
    [InlineData("bfd", "keep_end", false)]
    [InlineData("bfd_split", null, true)]
    [InlineData("wrapped", null, true)]
    public async Task Estimate_RowsThatAreTooLong_AreCutOrSplit(string? packing, string? truncation, bool all)
    {
        HttpClient client = service.With(await service.NewTenant($"rows-{packing}-{truncation}".Replace('_', '-') + "-t"));
        string file = await client.Upload(Rows(string.Join(' ', Enumerable.Range(0, 40)), 6));
        JsonNode estimate = await client.Post("/v1/fine_tuning/jobs/estimate", new
        {
            model = TestService.BaseModel,
            training_file = file,
            training = new { max_seq_length = 16, packing = packing is not null, packing_strategy = packing, truncation_mode = truncation },
            dataset = new { validation_split = 0.34 },
        });
        Assert.Equal(all ? 0 : 6, (int)estimate["truncated_rows"]!);
        Assert.Equal(all, (long)estimate["tokens"]! > 4 * 16);
        Assert.Equal(all, (int)estimate["validation_rows"]! > 2);
    }

    [Fact]
    public async Task Validate_KeepEnd_ShowsTheEndOfARow()
    {
        HttpClient client = service.With(await service.NewTenant("ends"));
        string file = await client.Upload(Rows("one two three four five six seven eight nine ten eleven twelve", 1));
        async Task<string> Shown(string mode) => (string)(await client.Post($"/v1/files/{file}/validate", new
        {
            model = TestService.BaseModel,
            examples = 1,
            training = new { max_seq_length = 10, truncation_mode = mode },
        }))["examples"]![0]!["text"]!;
        Assert.StartsWith("Row 0:", await Shown("keep_start"), StringComparison.Ordinal);
        string end = await Shown("keep_end");
        Assert.Contains("twelve", end, StringComparison.Ordinal);
        Assert.DoesNotContain("Row", end, StringComparison.Ordinal);
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
