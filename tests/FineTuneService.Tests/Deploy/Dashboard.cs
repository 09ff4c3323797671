using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Deploy;

/// <summary>Grafana's dashboard.</summary>
internal static class Dashboard
{
    public static JsonNode[] Panels { get; } = [.. JsonNode.Parse(DeployFolder.Read("grafana/dashboards/finetune.json"))!["panels"]!.AsArray().Select(panel => panel!)];

    /// <summary>What its panels ask Prometheus.</summary>
    public static IEnumerable<string> Expressions => Panels.SelectMany(panel => panel["targets"]!.AsArray().Select(target => (string)target!["expr"]!));
}
