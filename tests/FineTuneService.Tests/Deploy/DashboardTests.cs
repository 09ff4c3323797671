using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Names = FineTuneService.Hosting.Telemetry;

namespace FineTuneService.Tests.Deploy;

/// <summary>The dashboard asks for what the service exports, by the names that a collector's Prometheus exporter gives.</summary>
public sealed partial class DashboardTests(TestService service) : IClassFixture<TestService>
{
    /// <summary>Meters that the export takes, beside ours.</summary>
    private static readonly string[] s_others = ["System.Runtime", "Microsoft.AspNetCore.Hosting"];

    /// <summary>OpenTelemetry's http.* attributes are those of ASP.NET's own instruments.</summary>
    private static readonly string[] s_httpLabels = ["http_response_status_code"];

    [Fact]
    public async Task Expressions_OfEveryPanel_NameMetricsAndLabelsThatAreExported()
    {
        HashSet<string> exported = await Exported();
        HashSet<string> labels = [.. typeof(Names.Keys).GetFields(BindingFlags.Public | BindingFlags.Static).Select(key => Prometheus((string)key.GetValue(null)!)), .. s_httpLabels, "le"];
        Assert.NotEmpty(Dashboard.Expressions);
        foreach (string expression in Dashboard.Expressions)
        {
            foreach (string label in By().Matches(expression).SelectMany(by => by.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries))) Assert.Contains(label, labels);
            string[] metrics = [.. Metric().Matches(By().Replace(expression, "")).Select(match => match.Value)];
            Assert.True(metrics.Length > 0, expression);
            foreach (string metric in metrics) Assert.Contains(metric, exported);
        }
    }

    [Fact]
    public async Task Instruments_OfTheService_AreEachOnTheDashboard()
    {
        string all = string.Join('\n', Dashboard.Expressions);
        string[] without = [.. (await Exported(Names.Name)).Where(name => !name.EndsWith("_sum", StringComparison.Ordinal) && !name.EndsWith("_count", StringComparison.Ordinal) && !all.Contains(name, StringComparison.Ordinal))];
        // They tell by request what others tell in sum.
        Assert.Equal(["finetune_job_duration_seconds_bucket", "gen_ai_server_request_duration_seconds_bucket"], without.Order());
    }

    /// <summary>The names of all series that the service can export.</summary>
    private async Task<HashSet<string>> Exported(params string[] meters)
    {
        using HttpClient client = service.CreateClient(); // Starts it, and with it what is measured.
        await client.GetAsync("/healthz", TestContext.Current.CancellationToken);
        RuntimeHelpers.RunClassConstructor(typeof(Names).TypeHandle); // Else what nobody has measured yet is not there.
        var names = new HashSet<string>();
        string[] wanted = meters.Length > 0 ? meters : [Names.Name, .. s_others];
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => { if (wanted.Contains(instrument.Meter.Name)) names.UnionWith(Series(instrument)); } };
        listener.Start();
        return names;
    }

    /// <summary>As opentelemetry-collector-contrib's pkg/translator/prometheus builds them: the unit in words, _total for counters, _ratio for gauges of 1.</summary>
    private static string[] Series(Instrument instrument)
    {
        string kind = instrument.GetType().Name.Split('`')[0], unit = instrument.Unit ?? "";
        bool counts = kind is "Counter" or "ObservableCounter";
        string words = unit switch { "s" => "_seconds", "By" => "_bytes", "1" when !counts && !kind.Contains("UpDown") => "_ratio", _ => "" };
        string name = Prometheus(instrument.Name) + words + (counts ? "_total" : "");
        return kind == "Histogram" ? [$"{name}_bucket", $"{name}_sum", $"{name}_count"] : [name];
    }

    private static string Prometheus(string name) => name.Replace('.', '_');

    [GeneratedRegex(@"by \(([^)]*)\)")]
    private static partial Regex By();

    /// <summary>A name with an underscore that is no function's and no label's.</summary>
    [GeneratedRegex(@"\b(?!histogram_quantile)[a-z]+_[a-z0-9_]+\b")]
    private static partial Regex Metric();
}
