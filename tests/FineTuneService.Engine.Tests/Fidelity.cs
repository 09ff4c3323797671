using System.Text.Json;

[assembly: AssemblyFixture(typeof(FineTuneService.Engine.Tests.FidelityReport))]

namespace FineTuneService.Engine.Tests;

/// <summary>What the golden cases showed; artifacts/fidelity.json holds it after a run, and docs/fidelity.md is made from that.</summary>
internal static class Fidelity
{
    private static readonly List<Row> Rows = [];

    /// <param name="area">A folder of the reference cases, such as "tokenizers".</param>
    /// <param name="detail">What was compared, or the largest difference seen.</param>
    public static void Passed(string area, string @case, string detail) => Add(new Row(area, @case, "passed", detail));

    /// <summary>A figure of a case that passed: a cell of the area's table.</summary>
    /// <param name="largest">The largest difference seen, over the largest value.</param>
    public static void Measured(string area, string @case, string column, double largest)
    {
        lock (Rows) Figures[(area, @case, column)] = largest;
    }

    private static readonly Dictionary<(string Area, string Case, string Column), double> Figures = [];

    /// <summary>Records the case and skips the running test; fails it where docs/fidelity.md says that the case is accepted.</summary>
    /// <param name="feature">The name by which the Engine refused it.</param>
    public static void Skipped(string area, string @case, string feature)
    {
        Add(new Row(area, @case, "skipped", feature));
        Assert.False(Accepted.Value.Contains((area, Cell(@case))), $"{area}/{@case} was accepted (docs/fidelity.md) and is refused now: {feature}");
        Assert.Skip($"{area}/{@case} waits for: {feature}");
    }

    /// <summary>The cases that docs/fidelity.md promises.</summary>
    private static readonly Lazy<HashSet<(string Area, string Case)>> Accepted = new(() =>
    {
        var accepted = new HashSet<(string, string)>();
        var (docs, area) = (Path.Combine(Shared.Repository, "docs", "fidelity.md"), "");
        foreach (var line in File.Exists(docs) ? File.ReadLines(docs) : [])
        {
            if (line.StartsWith("## ", StringComparison.Ordinal)) area = line[3..].Split(':')[0];
            else if (line.IndexOf(" | passed | ", StringComparison.Ordinal) is var end and > 0) accepted.Add((area, line[2..end]));
        }
        return accepted;
    });

    private static void Add(Row row)
    {
        lock (Rows) Rows.Add(row);
    }

    public static void Write(string path)
    {
        lock (Rows)
        {
            if (Rows.Count == 0 && Figures.Count == 0) return;
            var sorted = Rows.OrderBy(row => row.Area, StringComparer.Ordinal).ThenBy(row => row.Case, StringComparer.Ordinal);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, JsonSerializer.Serialize(sorted, Format));
            File.WriteAllText(Path.ChangeExtension(path, ".md"), Markdown([.. sorted]));
        }
    }

    /// <summary>docs/fidelity.md: `./dev fidelity` copies it there.</summary>
    private static string Markdown(IReadOnlyList<Row> rows)
    {
        var text = new System.Text.StringBuilder();
        text.Append("# Fidelity\n\nWhat the golden cases showed, made from the tests' own report by `./dev test` and `./dev fidelity`. A case that is skipped\n");
        text.Append("names the feature it waits for; the Engine refuses it by that name. Figures may move with the machine; `.ci/fidelity` compares the rest: a case\nthat passed once and is refused or missing in a run fails it.\n");
        foreach (var area in rows.GroupBy(row => row.Area))
        {
            text.Append($"\n## {area.Key}: {area.Count(row => row.Result == "passed")} passed, {area.Count(row => row.Result == "skipped")} skipped\n\n");
            text.Append("| case | result | |\n|---|---|---|\n");
            foreach (var row in area) text.Append($"| {Cell(row.Case)} | {row.Result} | {Cell(row.Detail)} |\n");
        }
        foreach (var area in Figures.GroupBy(figure => figure.Key.Area)) Table(area, text);
        return text.ToString();
    }

    private static void Table(IGrouping<string, KeyValuePair<(string Area, string Case, string Column), double>> area, System.Text.StringBuilder text)
    {
        string[] cases = [.. area.Select(figure => figure.Key.Case).Distinct().Order(StringComparer.Ordinal)];
        string[] columns = [.. area.Select(figure => figure.Key.Column).Distinct().Order(StringComparer.Ordinal)];
        text.Append($"\n## {area.Key}: {cases.Length} passed, 0 skipped\n\nThe largest difference from float64 over the same stored weights, of the largest value.\n\n");
        text.Append($"| case | result | {string.Join(" | ", columns)} |\n|---|---|{string.Concat(Enumerable.Repeat("---|", columns.Length))}\n");
        foreach (var name in cases)
        {
            var cells = columns.Select(column => Figures.TryGetValue((area.Key, name, column), out var figure) ? $"{figure:0.0e0}" : "");
            text.Append($"| {Cell(name)} | passed | {string.Join(" | ", cells)} |\n");
        }
    }

    private static string Cell(string text) => text.Replace("|", "\\|").Replace("\n", " ");

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private sealed record Row(string Area, string Case, string Result, string Detail);
}

/// <summary>Writes the report when all tests of the assembly have run.</summary>
public sealed class FidelityReport : IDisposable
{
    public void Dispose() => Fidelity.Write(Path.Combine(Shared.Repository, "artifacts", "fidelity.json"));
}
