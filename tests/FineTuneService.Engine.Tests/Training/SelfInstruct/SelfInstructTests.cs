using System.Text;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tests.Generation;
using FineTuneService.Engine.Training.SelfInstruct;

namespace FineTuneService.Engine.Tests.Training.SelfInstruct;

/// <summary>New tasks from seed tasks, with writers that say what a model might.</summary>
public class SelfInstructTests
{
    private static readonly SeedTask[] Seeds =
    [
        new("Name the capital of the country that is given.", [new("France", "Paris")]),
        new("Write a short poem about the sea.", [new("", "Waves come,\nwaves go.")]),
        new("Tell me whether the number is even or odd.", [new("7", "odd"), new("8", "even")]),
    ];

    [Fact]
    public async Task Run_WriterThatRepeatsItself_KeepsEachTaskOnce()
    {
        var run = new SelfInstructRun(Seeds, Options(count: 3), Says(
            " List five animals that live in the forest.\n5. Name the capital of the country that is given here.\n6. Draw a picture of a house.\n7. Sum it.\n8. List five animals that live in a forest.\n9. Explain in one sentence what rain is.\n10. Translate the given word into German."));
        List<SeedTask> tasks = await All(run);
        Assert.Equal(["List five animals that live in the forest.", "Explain in one sentence what rain is.", "Translate the given word into German."], tasks.Select(task => task.Instruction));
        Assert.Equal((2, 1, 1), (run.Dropped["alike"], run.Dropped["unsuitable"], run.Dropped["length"]));
        Assert.All(tasks, task => Assert.Equal([new TaskInstance("an input", "an output")], task.Instances));
    }

    [Fact]
    public async Task Run_WriterThatHasNothingNew_EndsWithItsRequests()
    {
        var run = new SelfInstructRun(Seeds, Options(count: 100, requests: 9), Says(" Write a short poem about the sea."));
        Assert.Empty(await All(run));
        Assert.Equal(9, run.Requests);
    }

    [Fact]
    public async Task Run_SameSeed_AsksTheSameAndAnotherSeedAsksOther()
    {
        async Task<List<string>> Prompts(ulong seed)
        {
            var prompts = new List<string>();
            await All(new SelfInstructRun(Seeds, Options(5, 8) with { Seed = seed }, (request, _) =>
            {
                prompts.Add($"{request.Seed} {request.Prompt}");
                return Says($" Count the letters of word number {prompts.Count} and of its neighbour {prompts.Count * 7}.")(request, default);
            }));
            return prompts;
        }
        List<string> first = await Prompts(1);
        Assert.Equal(first, await Prompts(1));
        Assert.NotEqual(first, await Prompts(2));
        Assert.Equal(first.Count, first.Distinct().Count());
    }

    [Fact]
    public async Task Write_Tasks_IsATrainingFileOfAlpacaRows()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "tasks.jsonl");
        var run = new SelfInstructRun(Seeds, Options(count: 12), (request, cancel) => Says(Enumerable.Range(0, 4).Aggregate("", (list, i) =>
            list + (i > 0 ? $"\n{i + 5}. " : " ") + Words(request.Seed, (ulong)i)))(request, cancel));
        int rows = await TaskFileWriter.Write(path, run.Run(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        Assert.Equal(12, rows);
        using FileStream file = File.OpenRead(path);
        var dataset = Dataset.Read(file, "tasks.jsonl");
        Assert.Equal((0, DatasetFormat.Alpaca, 12), (dataset.Problems.Count, dataset.Format, dataset.Rows.Count));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task Write_WriterThatFails_LeavesNoFile()
    {
        using var folder = new TemporaryFolder();
        var run = new SelfInstructRun(Seeds, Options(1), (_, _) => throw new IOException("gone"));
        await Assert.ThrowsAsync<IOException>(() => TaskFileWriter.Write(Path.Combine(folder.Path, "tasks.jsonl"), run.Run(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    /// <summary>The seed tasks of Self-Instruct and Alpaca: none of them is refused by the rules that new ones go by, but for those that the paper's people allowed themselves.</summary>
    [Fact]
    public void Read_AlpacasSeedTasks_AreAllThere()
    {
        using FileStream file = File.OpenRead(Shared.Path("datasets", "alpaca", "seed_tasks.jsonl"));
        IReadOnlyList<SeedTask> seeds = SeedTasks.Read(file);
        Assert.Equal(175, seeds.Count);
        Assert.All(seeds, seed => Assert.NotEmpty(seed.Instances));
        Assert.True(seeds.Count(seed => InstructionFilter.Fault(seed.Instruction) is null) > 150);
        string[] instructions = [.. seeds.Select(seed => seed.Instruction)];
        Assert.True(InstructionFilter.IsAlike(instructions[0], instructions, 0.7));
        Assert.True(instructions.Index().Count(one => InstructionFilter.IsAlike(one.Item, [.. instructions.Where((_, i) => i != one.Index)], 0.7)) < 10);
    }

    /// <summary>A real model, too small to write tasks: its texts are read, and the run ends.</summary>
    [Fact]
    public async Task Run_SmallModel_EndsWithItsRequests()
    {
        using var model = Talers.Load();
        using var writer = new GeneratorWriter(model);
        var run = new SelfInstructRun(Seeds, Options(count: 2, requests: 3) with { MaxTokens = 48 }, writer.Write);
        await All(run);
        Assert.InRange(run.Requests, 2, 3);
    }

    [Theory]
    [InlineData("{broken", "invalid JSON")]
    [InlineData("{\"instruction\": \"i\"}", "no 'instances'")]
    [InlineData("{\"instruction\": \" \", \"instances\": []}", "'instruction' is empty")]
    [InlineData("{\"instruction\": \"i\", \"instances\": []}", "at least one")]
    [InlineData("{\"instruction\": \"i\", \"instances\": [{\"input\": \"x\"}]}", "no 'output'")]
    [InlineData("{\"instruction\": \"i\", \"instances\": [5]}", "is a number")]
    [InlineData("", "no seed tasks")]
    public void Read_BadSeeds_SaysWhy(string file, string message) =>
        Assert.Contains(message, Assert.Throws<InvalidDataException>(() => SeedTasks.Read(new MemoryStream(Encoding.UTF8.GetBytes(file)))).Message);

    [Fact]
    public async Task Run_OptionThatCannotBeUsed_IsRefused()
    {
        foreach (var (seeds, options) in ((SeedTask[], SelfInstructOptions)[])[([], Options(1)), (Seeds, Options(0)), (Seeds, Options(1, 0)), (Seeds, Options(1) with { SeedsInPrompt = 0 }), (Seeds, Options(1) with { MostAlike = 0 })])
            await Assert.ThrowsAsync<ArgumentException>(() => All(new SelfInstructRun(seeds, options, Says(""))));
    }

    private static SelfInstructOptions Options(int count, int requests = 100) => new() { Count = count, MaxRequests = requests };

    /// <summary>Goes on with this list of tasks, and answers any task.</summary>
    private static WriteText Says(string list) => (request, _) => Task.FromResult(
        new WrittenText(request.Prompt.StartsWith("Come up with a series", StringComparison.Ordinal) ? list : "Input: an input\nOutput: an output", IsCut: false));

    private static string Words(ulong seed, ulong number) => string.Join(' ', Enumerable.Range(0, 6).Select(i => $"w{(seed * 31 + number * 7) % 1000}x{i}{seed}{number}"));

    private static async Task<List<SeedTask>> All(SelfInstructRun run)
    {
        var tasks = new List<SeedTask>();
        await foreach (SeedTask task in run.Run(TestContext.Current.CancellationToken)) tasks.Add(task);
        return tasks;
    }
}
