using System.Text.Json.Nodes;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Training;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
using FineTuneService.Tests.Evaluations;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>Each warning, where it is given and where it is not.</summary>
public sealed class JobAdviceTests(TestService service) : IClassFixture<TestService>
{
    private static readonly LoraBody Usual = new() { Rank = 16, Alpha = 32 };

    [Fact]
    public void Of_TheDefaults_IsSilent() => Assert.Empty(JobAdvice.Of(Read(new LoraBody(), new TrainingBody()), DatasetFormat.Chat, rows: 1000));

    [Theory]
    [InlineData(16, 31.0, "below twice the rank (32)", true)]
    [InlineData(16, 32.0, "twice the rank", false)]
    [InlineData(16, 33.0, "above twice the rank (32)", true)]
    [InlineData(16, 33.0, "below twice", false)]
    [InlineData(512, 1024.0, "rank 512 is large", true)]
    [InlineData(511, 1022.0, "is large", false)]
    public void Of_RankAndAlpha_SpeaksWhereTheyAreUnusual(int rank, double alpha, string says, bool fires) =>
        Expect(fires, says, Read(new LoraBody { Rank = rank, Alpha = alpha }, new TrainingBody()));

    [Theory]
    [InlineData("q_proj v_proj", true)]
    [InlineData("q_proj k_proj v_proj o_proj", true)]
    [InlineData("self_attn.q_proj", true)]
    [InlineData("q_proj v_proj down_proj", false)]
    [InlineData("all-linear", false)]
    public void Of_Targets_SpeaksWhereOnlyAttentionIsAdapted(string targets, bool fires) =>
        Expect(fires, "only attention's layers", Read(Usual with { TargetModules = new OneOrMany(targets.Split(' ')) }, new TrainingBody()));

    [Theory]
    [InlineData("sgd", "constant", true)]
    [InlineData("sgd", "cosine", false)]
    [InlineData("adamw", "constant", false)]
    public void Of_Optimizer_SpeaksOfSgdWithoutASchedule(string optimizer, string schedule, bool fires) =>
        Expect(fires, "SGD runs with a constant learning rate", Read(Usual, new TrainingBody { Optimizer = optimizer, LrScheduler = schedule }));

    [Theory]
    [InlineData(2, null, 100, DatasetFormat.Chat, true)]
    [InlineData(3, null, 100, DatasetFormat.Alpaca, true)]
    [InlineData(1, null, 100, DatasetFormat.Chat, false)]
    [InlineData(1, null, 101, DatasetFormat.Chat, false)] // The last step of the pass has one row.
    [InlineData(2, null, 100, DatasetFormat.Text, false)]
    [InlineData(5, 10, 100, DatasetFormat.Chat, false)] // Ten steps of ten rows.
    [InlineData(1, 30, 100, DatasetFormat.Chat, true)]
    public void Of_Passes_SpeaksOfMoreThanOneOverInstructionData(int epochs, int? steps, int rows, DatasetFormat format, bool fires) =>
        Expect(fires, "goes through its instruction data about", Read(Usual, new TrainingBody { Epochs = epochs, MaxSteps = steps, BatchSize = 10 }), format, rows);

    [Theory]
    [InlineData(new[] { 3.0, 2.0 }, new[] { 2.5, 2.6 }, true)]
    [InlineData(new[] { 3.0, 2.0 }, new[] { 2.5, 2.4 }, false)]
    [InlineData(new[] { 3.0, 3.1 }, new[] { 2.5, 2.6 }, false)] // Both rise: something else is wrong.
    [InlineData(new[] { 3.0 }, new[] { 2.5 }, false)]
    public void Sees_LossesOfARun_TellsThatItOverfits(double[] training, double[] evaluation, bool fires)
    {
        var watch = new OverfittingWatch();
        watch.Sees(new Evaluated(0, 9, 0)); // The base's, before the first step.
        bool seen = false;
        for (int i = 0; i < training.Length; i++)
        {
            watch.Sees(new StepFinished(2 * i + 1, training[i] + 0.1, 0, 0, 0, 0, TimeSpan.Zero));
            watch.Sees(new StepFinished(2 * i + 2, training[i] - 0.1, 0, 0, 0, 0, TimeSpan.Zero));
            seen |= watch.Sees(new Evaluated(2 * i + 2, evaluation[i], 0));
        }
        Assert.Equal(fires, seen);
    }

    [Fact]
    public async Task Estimate_FewAndCutRows_AreWarnedOf_AndManyWholeOnesAreNot()
    {
        HttpClient client = service.With(await service.NewTenant("advice"));
        async Task<string[]> Warnings(int rows, int longest) => [.. (await client.Post("/v1/fine_tuning/jobs/estimate", new
        {
            model = TestService.BaseModel,
            training_file = await client.Upload(string.Concat(Enumerable.Range(0, rows).Select(i => $"{{\"prompt\": \"say {i}\", \"completion\": \" one two three four five six seven\"}}\n"))),
            training = new { max_seq_length = longest },
        }))["warnings"]!.AsArray().Select(warning => (string)warning!)];
        string[] few = await Warnings(9, 8);
        Assert.Contains(few, warning => warning.Contains("only 9 rows: fewer than 10"));
        Assert.Contains(few, warning => warning.Contains("rows are cut at 8 tokens"));
        Assert.Empty(await Warnings(10, 250));
    }

    [Fact]
    public async Task Job_ThatOverfits_IsWarnedOfItAndOfItsPasses()
    {
        HttpClient client = service.With(await service.NewTenant("overfits"));
        string train = await client.Upload(EvaluationTests.Chat(10));
        string other = await client.Upload(string.Concat(Enumerable.Range(0, 10).Select(i => $"{{\"messages\": [{{\"role\": \"user\", \"content\": \"say {i}\"}}, {{\"role\": \"assistant\", \"content\": \"Something {i} else\"}}]}}\n")));
        JsonNode job = await client.Trained(train, new { epochs = 12, learning_rate = 0.01, batch_size = 5, eval_every = 3 }, validationFile: other);
        string[] warnings = [.. job["warnings"]!.AsArray().Select(warning => (string)warning!)];
        Assert.Single(warnings, warning => warning.StartsWith("evaluation loss rises while training loss falls", StringComparison.Ordinal));
        Assert.Single(warnings, warning => warning.Contains("about 12 times"));
    }

    private static void Expect(bool fires, string says, JobSettings settings, DatasetFormat format = DatasetFormat.Chat, int rows = 1000) =>
        Assert.Equal(fires, JobAdvice.Of(settings, format, rows).Any(warning => warning.Contains(says)));

    private static JobSettings Read(LoraBody lora, TrainingBody training)
    {
        JobSettings? settings = JobSettingsReader.Read(new CreateJobRequest { Model = "m", TrainingFile = "f", Lora = lora, Training = training }, fastBf16: false, out JobBodyProblem? problem);
        Assert.Null(problem);
        return settings!;
    }
}
