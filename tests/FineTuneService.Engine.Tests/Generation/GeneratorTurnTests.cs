using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Models;
using Generator = FineTuneService.Engine.Generation.Generator;

namespace FineTuneService.Engine.Tests.Generation;

/// <summary>Who goes on when many want to.</summary>
public sealed class GeneratorTurnTests
{
    [Fact]
    public void Step_LongPromptsBesideAStream_StreamGetsATokenEverySecondForward()
    {
        using BaseModel model = Talers.Load();
        using var generator = new Generator(model, 16, 256, null, promptTokens: 32);
        Talers.Heard stream = generator.Ask(Talers.Prompt(4), parameters: Talers.Greedy with { MaxTokens = 60 }, turn: "quiet");
        generator.Step();
        Talers.Heard[] loud = [.. Enumerable.Range(0, 6).Select(i => generator.Ask(Talers.Prompt(200, i), turn: "loud"))];
        while (loud.Any(row => row.Ids.Count == 0) && stream.Finish is null)
        {
            int before = stream.Ids.Count;
            generator.Step();
            generator.Step();
            Assert.Equal(before + 1, stream.Ids.Count);
        }
        Assert.True(loud[0].Ids.Count > 0, "the prompts stood still");
    }

    [Fact]
    public void Step_OwnerWithEveryPlaceTaken_LetsAnotherInAtOnce()
    {
        using BaseModel model = Talers.Load();
        using var generator = new Generator(model, maxRows: 4, capacity: 256);
        for (int i = 0; i < 64; i++) generator.Ask(Talers.Prompt(100, i), parameters: Talers.Greedy with { MaxTokens = 100 }, turn: "loud");
        for (int i = 0; i < 20; i++) generator.Step();
        Talers.Heard quiet = generator.Ask(Talers.Prompt(8), parameters: Talers.Greedy with { MaxTokens = 20 }, turn: "quiet");
        int steps = 0;
        while (quiet.Finish is null && steps < 200)
        {
            generator.Step();
            steps++;
        }
        // One forward in two reads the others' prompts, and the five rows share four places.
        Assert.InRange(steps, 20, 60);
    }

    [Fact]
    public void Step_MemoryForOneSequence_AnswersAllOneAfterTheOther()
    {
        using BaseModel model = Talers.Load();
        long one = Generator.CacheBytes(model.Config, BasePrecision.Fp32, 256);
        var budget = new MemoryBudget(one + one / 4);
        Assert.True(budget.TryTake(one));
        using var generator = new Generator(model, 16, 256, budget);
        Talers.Heard[] rows = [.. Enumerable.Range(0, 6).Select(i => generator.Ask(Talers.Prompt(30 + 40 * (i % 5), i), turn: $"t{i % 3}"))];
        generator.Finish();
        Assert.All(rows, row => Assert.Equal((FinishReason.Length, 12), (row.Finish, row.Ids.Count)));
        Assert.Equal(one + generator.BufferBytes, budget.Taken);
        generator.TrimIdle();
        Assert.Equal(one, budget.Taken);
    }

    [Fact]
    public void Dispose_RequestsUnderWayAndWaiting_AreToldTheyWereCut()
    {
        using BaseModel model = Talers.Load();
        var generator = new Generator(model, maxRows: 1, capacity: 256);
        Talers.Heard[] rows = [generator.Ask(Talers.Prompt(9)), generator.Ask(Talers.Prompt(9))];
        generator.Step();
        generator.Dispose();
        Assert.All(rows, row => Assert.Equal(FinishReason.Cancelled, row.Finish));
        Assert.False(generator.Step());
    }
}
