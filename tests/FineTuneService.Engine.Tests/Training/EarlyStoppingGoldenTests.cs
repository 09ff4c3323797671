using System.Text.Json.Nodes;
using FineTuneService.Engine.Training;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>When transformers' EarlyStoppingCallback ends a run (golden/lora/early-stopping.json).</summary>
public sealed class EarlyStoppingGoldenTests
{
    public static TheoryData<int> Cases() => Shared.Present ? [.. Enumerable.Range(0, Stored().Count)] : [-1];

    [Theory, MemberData(nameof(Cases))]
    public void After_EveryEvaluation_CountsAsTransformers(int index)
    {
        JsonObject @case = Stored()[index]!.AsObject();
        int patience = (int)@case["patience"]!, evaluation = 0;
        double threshold = (double)@case["threshold"]!;
        var track = new EvaluationTrack();
        int? stopped = null;
        foreach (JsonNode? counter in @case["counters"]!.AsArray())
        {
            track = track.After((double)@case["eval_losses"]![evaluation]!, ++evaluation, threshold);
            Assert.Equal((int)counter!, track.Without);
            if (track.Without >= patience) stopped = evaluation;
        }
        Assert.Equal((int?)@case["stopped_at_evaluation"], stopped);
        Assert.Equal((int)@case["best_evaluation"]!, track.BestStep);
        Fidelity.Passed("early stopping", $"case {index}", "counters, best evaluation and end equal");
    }

    private static JsonArray Stored() => JsonNode.Parse(File.ReadAllText(Shared.Path("golden", "lora", "early-stopping.json")))!.AsArray();
}
