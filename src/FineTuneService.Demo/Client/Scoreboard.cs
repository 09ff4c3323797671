namespace FineTuneService.Demo.Client;

/// <summary>What a model makes of held-out rows.</summary>
/// <param name="Loss">Mean over the answers' tokens, in nats, from /v1/evaluations.</param>
/// <param name="Exact">Share of rows that it answers to the letter in chat.</param>
internal sealed record Score(double Loss, double Exact);

/// <summary>Every model on every task: a row a model, two columns a task.</summary>
internal sealed class Scoreboard
{
    private const int NameWidth = 24;
    private const int LossWidth = 9;
    private const int ExactWidth = 10;

    private readonly List<(string Model, string Task, Score Score)> _scores = [];

    public Score this[string model, string task] => _scores.Single(s => s.Model == model && s.Task == task).Score;

    public void Add(string model, string task, Score score) => _scores.Add((model, task, score));

    public void Print()
    {
        var tasks = _scores.Select(s => s.Task).Distinct().ToArray();
        Line("", tasks.Select(task => $" │{task,LossWidth + ExactWidth}"));
        Line("", tasks.Select(_ => $" │{"loss",LossWidth}{"exact",ExactWidth}"));
        Line(new string('─', NameWidth), tasks.Select(_ => "─┼" + new string('─', LossWidth + ExactWidth)));
        foreach (var model in _scores.Select(s => s.Model).Distinct())
            Line(model, tasks.Select(task => Cell(this[model, task])));
    }

    private static string Cell(Score score) => $" │{score.Loss,LossWidth:F4}{score.Exact,ExactWidth:P1}";

    private static void Line(string name, IEnumerable<string> cells) => Console.WriteLine($"  {name,-NameWidth}{string.Concat(cells)}");
}
