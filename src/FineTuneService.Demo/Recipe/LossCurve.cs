using System.Diagnostics;
using System.Globalization;
using System.Text;
using FineTuneService.Engine.Training;

namespace FineTuneService.Demo.Recipe;

/// <summary>The mean training loss over each <paramref name="every"/> steps, printed as the run goes.</summary>
internal sealed class LossCurve(int every)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly StringBuilder _table = new("| lesson | step | loss a token | seconds |\n|---|---|---|---|\n");
    private double _sum;
    private int _steps;

    public TimeSpan Elapsed => _clock.Elapsed;

    public void Add(string lesson, TrainingEvent progress)
    {
        if (progress is not StepFinished step)
            return;
        _sum += step.Loss;
        if (++_steps < every)
            return;
        var line = string.Create(CultureInfo.InvariantCulture, $"| {lesson} | {step.Step} | {_sum / _steps:F3} | {_clock.Elapsed.TotalSeconds:F0} |");
        _table.Append(line).Append('\n');
        Console.WriteLine(line);
        (_sum, _steps) = (0, 0);
    }

    /// <summary>A Markdown table.</summary>
    public override string ToString() => _table.ToString();
}
