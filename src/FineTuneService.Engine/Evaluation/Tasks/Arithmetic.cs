namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>GPT-3's arithmetic (https://arxiv.org/abs/2005.14165): the answer is right where the model would have written every token of it.</summary>
internal static class Arithmetic
{
    private static readonly Dictionary<string, string> Files = new()
    {
        ["arithmetic_1dc"] = "single_digit_three_ops",
        ["arithmetic_2da"] = "two_digit_addition",
        ["arithmetic_2dm"] = "two_digit_multiplication",
        ["arithmetic_2ds"] = "two_digit_subtraction",
        ["arithmetic_3da"] = "three_digit_addition",
        ["arithmetic_3ds"] = "three_digit_subtraction",
        ["arithmetic_4da"] = "four_digit_addition",
        ["arithmetic_4ds"] = "four_digit_subtraction",
        ["arithmetic_5da"] = "five_digit_addition",
        ["arithmetic_5ds"] = "five_digit_subtraction",
    };

    public static IEnumerable<string> Names => Files.Keys;

    public static HarnessTask? Find(string name) => Files.TryGetValue(name, out string? file) ? Of(name, file) : null;

    /// <param name="asStored">The contexts as OpenAI's files have them, and not as the harness rewrites them.</param>
    internal static HarnessTask Of(string name, string file, bool asStored = false)
    {
        string path = $"gpt3-arithmetic/{file}.jsonl";
        return new HarnessTask(name, path, path, DefaultShots: 0, [new MeanOf("acc"), new MeanOf("mean_loglikelihood", "loglikelihood")], inputs => Items(inputs, asStored));
    }

    private static IEnumerable<TaskItem> Items(TaskInputs inputs, bool asStored)
    {
        IReadOnlyList<Sum> Read(TaskFile file, int most) => file.Objects(most, row => new Sum(
            asStored ? row.Text("context") : Rewritten(row.Text("context")), row.Text("completion") is { Length: > 0 } text ? text : throw row.Error("'completion' is empty.")));
        var shots = new FewShots<Sum>(inputs.ReadShots(Read, spare: 1), inputs.FewShots);
        if (inputs.Shots?.Problems.Count > 0) return [];
        return Read(inputs.Data, inputs.Limit).Select(sum => new ContinuationItem(
            string.Concat(shots.NextWithout(sum).Select(shot => $"{shot.Context}{shot.Completion}\n\n")) + sum.Context, sum.Completion));
    }

    private static string Rewritten(string context) => context.Trim().Replace("\n\n", "\n").Replace("Q:", "Question:").Replace("A:", "Answer:");

    private sealed record Sum(string Context, string Completion);
}
