namespace FineTuneService.Demo.Client;

/// <summary>Exact match of every model on every task, and what the demo promises of it.</summary>
internal sealed class Scoreboard
{
    private readonly List<(string Model, string Task, double Share)> _scores = [];
    private readonly List<string> _broken = [];

    /// <summary>What was promised and does not hold.</summary>
    public IReadOnlyList<string> Broken => _broken;

    public void Add(string model, string task, double share) => _scores.Add((model, task, share));

    public void Demand(bool holds, string promise)
    {
        if (!holds)
            _broken.Add(promise);
    }

    public void DemandAtLeast(double limit, string model, string task) =>
        Demand(ShareOf(model, task) >= limit, $"{model} answers at least {limit:P0} of {task}, not {ShareOf(model, task):P1}");

    public void DemandAtMost(double limit, string model, string task) =>
        Demand(ShareOf(model, task) <= limit, $"{model} answers at most {limit:P0} of {task}, not {ShareOf(model, task):P1}");

    /// <summary>A row a model, a column a task.</summary>
    public void Print()
    {
        var tasks = _scores.Select(s => s.Task).Distinct().ToArray();
        Console.WriteLine($"  {"exact match",-28}{string.Concat(tasks.Select(task => $"{task,16}"))}");
        foreach (var model in _scores.Select(s => s.Model).Distinct())
            Console.WriteLine($"  {model,-28}{string.Concat(tasks.Select(task => Cell(model, task)))}");
    }

    private string Cell(string model, string task) =>
        _scores.Exists(s => s.Model == model && s.Task == task) ? $"{ShareOf(model, task),16:P1}" : $"{"",16}";

    private double ShareOf(string model, string task) => _scores.Single(s => s.Model == model && s.Task == task).Share;
}
