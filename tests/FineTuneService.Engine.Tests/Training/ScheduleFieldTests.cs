using System.Text.Json.Nodes;
using FineTuneService.Engine.Training;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>Runs whose schedule has another length than they have (field/schedule-longer-than-run.jsonl).</summary>
public sealed class ScheduleFieldTests
{
    private static string File => Shared.Path("field", "schedule-longer-than-run.jsonl");

    public static TheoryData<int> Cases() => Shared.Present ? [.. Enumerable.Range(0, System.IO.File.ReadLines(File).Count())] : [-1];

    [Theory, MemberData(nameof(Cases))]
    public void At_ScheduleOfAnotherLength_FollowsItsOwnStepsWhileTheRunHasItsOwn(int index)
    {
        JsonNode @case = JsonNode.Parse(System.IO.File.ReadLines(File).ElementAt(index))!;
        TrainingConfig config = TrainingRecipe.Parse(@case["case"]!.AsObject()).Config;
        int steps = new RowOrder(Enumerable.Repeat(5, 2), config).TotalSteps;
        Assert.Equal((int)@case["expected"]!["steps_run"]!, steps);
        double[] rates = [.. @case["expected"]!["learning_rates"]!.AsArray().Select(rate => (double)rate!)];
        Assert.Equal(steps, rates.Length);
        for (int step = 1; step <= steps; step++) Assert.Equal(rates[step - 1], LearningRate.At(step, steps, config), 1e-12);
    }

    [Fact]
    public void RowOrder_MoreStepsThanCanBeCounted_IsRefusedByName()
    {
        var config = new TrainingConfig { Epochs = 1000, MicroBatchSize = 1 };
        var refusal = Assert.Throws<ArgumentException>(() => new RowOrder(Enumerable.Repeat(5, 2_200_000), config));
        Assert.Contains("2200000000 steps", refusal.Message);
        Assert.Equal(2_000_000_000, new RowOrder(Enumerable.Repeat(5, 2_000_000), config).TotalSteps);
    }
}
