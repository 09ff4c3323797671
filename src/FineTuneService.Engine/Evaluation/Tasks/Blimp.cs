namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>BLiMP (https://doi.org/10.1162/tacl_a_00321): of two sentences that differ in little, the grammatical one should be likelier.</summary>
internal static class Blimp
{
    public static HarnessTask? Find(string name) => HarnessTasks.Rest(name, "blimp_") is { } paradigm ? Paradigm(name, paradigm) : null;

    /// <param name="delimiter">The harness's blank stands even where there is no context before it.</param>
    internal static HarnessTask Paradigm(string name, string paradigm, string delimiter = " ") => new(
        name, $"blimp/{paradigm}.jsonl", ShotsPath: null, DefaultShots: 0, [new MeanOf("acc"), new MeanOf("acc_norm")],
        inputs => inputs.Data.Objects(inputs.Limit, row => new ChoiceItem("", delimiter, [row.Text("sentence_good"), row.Text("sentence_bad")], Gold: 0)));
}
