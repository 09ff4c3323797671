using System.Text.Json.Nodes;
using FineTuneService.Engine.Training;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>The rate of every step against transformers' get_scheduler (golden/lora/schedules.json).</summary>
public sealed class ScheduleGoldenTests
{
    public static TheoryData<string> Names()
    {
        if (!Shared.Present) return [""];
        return [.. Schedules().Select(Label).Distinct()];
    }

    [Theory, MemberData(nameof(Names))]
    public void At_EveryStep_EqualsTransformers(string label)
    {
        int compared = 0;
        foreach (JsonObject schedule in Schedules().Where(schedule => Label(schedule) == label))
        {
            double[] rates = [.. schedule["learning_rates"]!.AsArray().Select(rate => (double)rate!)];
            TrainingConfig config = ConfigOrSkip(schedule, label);
            for (int step = 1; step <= rates.Length; step++)
                Assert.Equal(rates[step - 1], LearningRate.At(step, config.MaxSteps!.Value, config), 1e-12 * config.LearningRate);
            compared += rates.Length;
        }
        Fidelity.Passed("schedules", label, $"{compared} rates equal");
    }

    private static TrainingConfig ConfigOrSkip(JsonObject entry, string label)
    {
        JsonObject schedule = entry.DeepClone().AsObject();
        schedule.Remove("learning_rates");
        schedule.Remove("lr");
        try
        {
            return ScheduleRecipe.Apply(schedule, new TrainingConfig { LearningRate = (double)entry["lr"]! });
        }
        catch (NotSupportedException refused)
        {
            Fidelity.Skipped("schedules", label, refused.Message);
            throw;
        }
    }

    /// <summary>One name may have several kinds of decay.</summary>
    private static string Label(JsonObject schedule) => $"{schedule["name"]} {schedule["decay_type"]}".TrimEnd();

    private static IEnumerable<JsonObject> Schedules() =>
        JsonNode.Parse(File.ReadAllText(Shared.Path("golden", "lora", "schedules.json")))!.AsArray().Select(schedule => schedule!.AsObject());
}
