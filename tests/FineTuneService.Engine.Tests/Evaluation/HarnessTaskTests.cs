using System.Text;
using FineTuneService.Engine.Evaluation.Tasks;

namespace FineTuneService.Engine.Tests.Evaluation;

/// <summary>Tasks from files that somebody brings.</summary>
public sealed class HarnessTaskTests
{
    [Theory]
    [InlineData("mmlu_../../secret"), InlineData("mmlu_"), InlineData("blimp_a/b"), InlineData("blimp_..%2f"), InlineData("hellaswag"), InlineData(""), InlineData("MMLU_astronomy")]
    public void Find_NoTaskOfThisName_IsNull(string name) => Assert.Null(HarnessTasks.Find(name));

    [Theory]
    [InlineData("truthfulqa_mc1", """{"question": "a", "mc1_targets": {"b": 0, "c": 0}}""", "no choice of 'mc1_targets' has label 1")]
    [InlineData("truthfulqa_mc1", """{"question": "a", "mc1_targets": ["b"]}""", "'mc1_targets' is an array")]
    [InlineData("truthfulqa_mc2", """{"question": "a", "mc2_targets": {"b": 1}}""", "'mc2_targets' has 1 choices")]
    [InlineData("truthfulqa_mc2", """{"question": "a", "mc2_targets": {"": 1, "b": 0}}""", "a choice of 'mc2_targets' is empty")]
    [InlineData("blimp_causative", """{"sentence_good": "a"}""", "no 'sentence_bad'")]
    [InlineData("arithmetic_2da", """{"context": "a", "completion": ""}""", "'completion' is empty")]
    [InlineData("gsm8k", """{"question": 5, "answer": "a"}""", "'question' is a number")]
    [InlineData("gsm8k", "{broken", "invalid JSON")]
    [InlineData("mmlu_astronomy", "question,1,2,3,4,E", "the answer is 'E', not A, B, C or D")]
    [InlineData("mmlu_astronomy", "question,1,2", "the record has 3 fields")]
    [InlineData("mmlu_astronomy", "\"question,1,2", "a quote is opened")]
    [InlineData("mmlu_astronomy", "", "the file has no rows")]
    public void Read_BadRow_IsAProblemOfTheFile(string name, string row, string problem)
    {
        (_, TaskFile file) = Read(name, row + "\n");
        Assert.Contains(problem, file.Problems[0].ToString());
        Assert.StartsWith("task-file", file.Problems[0].ToString());
    }

    [Fact]
    public void Read_ShapeOfTheHub_IsTheSameAsTheRepositorys()
    {
        const string ours = """{"question": "q", "mc1_targets": {"b": 1, "c": 0}}""", hub = """{"question": "q", "mc1_targets": {"choices": ["b", "c"], "labels": [1, 0]}}""";
        ChoiceItem[] items = [.. new[] { ours, hub }.Select(row => (ChoiceItem)Read("truthfulqa_mc1", row).Task.Items.Single())];
        Assert.Equal((items[0].Context, items[0].Gold), (items[1].Context, items[1].Gold));
        Assert.Equal(items[0].Choices, items[1].Choices);
        Assert.EndsWith("Barcelona, Spain.\n\nQ: q\nA:", items[0].Context);
    }

    [Fact]
    public void Read_ArithmeticAsOpenAiStoredIt_IsAskedAsTheHarnessAsks()
    {
        var item = (ContinuationItem)Read("arithmetic_2da", """{"context": "\n\nQ: What is 98 plus 45?\n\nA:", "completion": " 143"}""").Task.Items.Single();
        Assert.Equal(("Question: What is 98 plus 45?\nAnswer:", " 143"), (item.Context, item.Continuation));
    }

    [Fact]
    public void Read_FewShots_AreOtherRowsAndTheSameEachTime()
    {
        string rows = string.Concat(Enumerable.Range(0, 12).Select(i => $$"""{"context": "Q: {{i}}?\n\nA:", "completion": " {{i}}"}""" + "\n"));
        string[] first = Prompts(), second = Prompts();
        Assert.Equal(first, second);
        for (int i = 0; i < first.Length; i++)
        {
            string[] parts = first[i].Split("\n\n");
            Assert.Equal($"Question: {i}?\nAnswer:", parts[^1]);
            Assert.Equal(4, parts.Distinct().Count());
            Assert.DoesNotContain($"Question: {i}?\nAnswer: {i}", parts);
        }

        string[] Prompts() => [.. Read("arithmetic_2da", rows, rows, fewShots: 3).Task.Items.Select(item => ((ContinuationItem)item).Context)];
    }

    [Fact]
    public void Read_MoreShotsThanThereAre_SaysHowManyThereAre()
    {
        string rows = string.Concat(Enumerable.Range(0, 3).Select(i => $$"""{"question": "{{i}}", "answer": "#### {{i}}"}""" + "\n"));
        Assert.Contains("at most 3", Assert.Throws<TaskException>(() => Read("gsm8k", rows, rows, fewShots: 4)).Message);
    }

    [Theory]
    [InlineData("So 5 + 13 = 18.\n#### 18", 1, 1)]
    [InlineData("She has 18.", 0, 1)]
    [InlineData("#### $1,8", 0, 1)]
    [InlineData("#### 1,8", 1, 1)]
    [InlineData("#### 17\nthen 18", 0, 1)]
    [InlineData("#### 18\nthen 17", 1, 0)]
    [InlineData("eighteen", 0, 0)]
    public void Measure_AnswersToAProblem_AreComparedAsTheHarnessDoes(string answer, double strict, double flexible)
    {
        IReadOnlyDictionary<string, double> measure = new Gsm8kItem("", [], 1, "16 - 3 = <<16-3=13>>13.\n#### 18").Measure(answer);
        Assert.Equal((strict, flexible), (measure[Gsm8kItem.Strict], measure[Gsm8kItem.Flexible]));
    }

    [Fact]
    public void Measure_TruthOfATinyModel_DoesNotUnderflow()
    {
        var item = new TruthItem("", "", ["a", "b"], [true, false]);
        double mass = item.Measure([new TextScore([2000], false), new TextScore([2000 + (float)Math.Log(3)], false)])["acc"];
        Assert.Equal(0.75, mass, 1e-3);
    }

    private static (EvaluationTask Task, TaskFile File) Read(string name, string rows, string? shots = null, int fewShots = 0)
    {
        var file = new TaskFile(new MemoryStream(Encoding.UTF8.GetBytes(rows)), "task-file.jsonl");
        TaskFile? pool = shots is null ? null : new TaskFile(new MemoryStream(Encoding.UTF8.GetBytes(shots)), "shots.jsonl");
        return (HarnessTasks.Find(name)!.Read(new TaskInputs(file, pool, fewShots, 100)), file);
    }
}
