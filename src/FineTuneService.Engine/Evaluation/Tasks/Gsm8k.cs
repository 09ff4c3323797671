namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>GSM8K (https://arxiv.org/abs/2110.14168): word problems answered in free text, or the perplexity of the answers in the file.</summary>
internal static class Gsm8k
{
    private const int MaxTokens = 256;
    private static readonly string[] Until = ["Question:", "</s>", "<|im_end|>"];

    public static HarnessTask? Find(string name) => name switch
    {
        "gsm8k" => Task(name, shots: 5, [new MeanOf(Gsm8kItem.Strict), new MeanOf(Gsm8kItem.Flexible)], (prompt, answer) => new Gsm8kItem(prompt, Until, MaxTokens, answer)),
        "gsm8k_answer_perplexity" => Task(
            name, shots: 0, [new PerplexityBy("token_perplexity", "tokens"), new SumOf("tokens"), new MeanOf("mean_row_perplexity", "perplexity")],
            (prompt, answer) => new ContinuationItem(prompt, " " + answer)),
        _ => null,
    };

    private static HarnessTask Task(string name, int shots, IReadOnlyList<MetricRule> rules, Func<string, string, TaskItem> item) =>
        new(name, "gsm8k/test.jsonl", "gsm8k/train.jsonl", shots, rules, inputs => Items(inputs, item));

    private static IEnumerable<TaskItem> Items(TaskInputs inputs, Func<string, string, TaskItem> item)
    {
        var shots = new FewShots<Problem>(inputs.ReadShots(Read), inputs.FewShots);
        if (inputs.Shots?.Problems.Count > 0) return [];
        return Read(inputs.Data, inputs.Limit).Select(problem =>
            item(string.Concat(shots.Next().Select(shot => $"{shot.Prompt} {shot.Answer}\n\n")) + problem.Prompt, problem.Answer));
    }

    private static IReadOnlyList<Problem> Read(TaskFile file, int most) => file.Objects(most, row => new Problem(
        $"Question: {row.Text("question")}\nAnswer:", row.Text("answer") is { Length: > 0 } answer ? answer : throw row.Error("'answer' is empty.")));

    private sealed record Problem(string Prompt, string Answer);
}
