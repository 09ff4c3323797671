using FineTuneService.Demo.Tenants;
using FineTuneService.Demo.World;

namespace FineTuneService.Demo.Client;

/// <summary>Base, both adapters and the merged model side by side on held-out rows, and what is promised of them.</summary>
/// <param name="a">The tenant whose adapter is <paramref name="merged"/> too.</param>
/// <param name="merged">The merged model's name.</param>
internal sealed class Comparison(Customer a, Customer b, string baseModel, string merged, Promises promises)
{
    private const string Before = "base (before)";

    /// <summary>
    /// An adapter is served on the 4-bit base that it was trained on. The merged model holds the same sums rounded to bf16, a relative
    /// error of 2⁻⁹ a weight: 0.01 nats, or a hundredth of a loss that is large.
    /// </summary>
    private const double MergeTolerance = 0.01;

    private readonly string _adapterA = $"adapter {a.Task.Suffix}";
    private readonly string _adapterB = $"adapter {b.Task.Suffix}";
    private readonly string _mergedA = $"merged {a.Task.Suffix}";

    public async Task RunAsync()
    {
        var remembered = WorldText.Questions(seed: 99, count: 60).Select(turn => new Example(turn.User, turn.Assistant));
        HeldOut[] tasks = [new(a.Task.Suffix, a.Task.HeldOut), new(b.Task.Suffix, b.Task.HeldOut), new("base's own", [.. remembered])];
        var board = await Scoring.RunAsync(
            [new(Before, a.Api, baseModel), new(_adapterA, a.Api, a.Model), new(_adapterB, b.Api, b.Model), new(_mergedA, a.Api, merged)], tasks);
        board.Print();
        Console.WriteLine("  Base's own is what it was pre-trained for, and what an adapter makes it forget.");

        DemandExactMatch(board);
        foreach (var (model, own) in new[] { (_adapterA, a), (_adapterB, b), (_mergedA, a) })
        {
            double loss = board[model, own.Task.Suffix].Loss, before = board[Before, own.Task.Suffix].Loss;
            promises.Demand(loss < before, $"{model} loses less on {own.Task.Suffix} than the base's {before:F4}, not {loss:F4}");
        }
        foreach (var task in tasks)
        {
            double adapter = board[_adapterA, task.Task].Loss, whole = board[_mergedA, task.Task].Loss, limit = MergeTolerance * Math.Max(1, adapter);
            promises.Demand(Math.Abs(whole - adapter) <= limit, $"{_mergedA} loses on {task.Task} what {_adapterA} does within {limit:F4}, not {whole:F4} and {adapter:F4}");
        }
    }

    private void DemandExactMatch(Scoreboard board)
    {
        AtMost(0.05, Before, a);
        AtMost(0.05, Before, b);
        AtMost(0.10, _adapterB, a);
        AtMost(0.10, _adapterA, b);
        AtLeast(0.90, _adapterA, a); // format and facts
        AtLeast(0.90, _mergedA, a);
        AtLeast(0.50, _adapterB, b); // extraction from unseen text

        void AtMost(double limit, string model, Customer of) => Demand(Exact(model, of) <= limit, "at most", limit, model, of);
        void AtLeast(double limit, string model, Customer of) => Demand(Exact(model, of) >= limit, "at least", limit, model, of);
        double Exact(string model, Customer of) => board[model, of.Task.Suffix].Exact;
        void Demand(bool holds, string bound, double limit, string model, Customer of) =>
            promises.Demand(holds, $"{model} answers {bound} {limit:P0} of {of.Task.Suffix}, not {Exact(model, of):P1}");
    }
}
