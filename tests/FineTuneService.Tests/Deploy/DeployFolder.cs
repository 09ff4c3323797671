using System.Text.Json.Nodes;
using YamlDotNet.Serialization;

namespace FineTuneService.Tests.Deploy;

/// <summary>The files of deploy/, as they lie beside the tests.</summary>
internal static class DeployFolder
{
    public static string Root { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "deploy");

    public static string Read(string name) => File.ReadAllText(System.IO.Path.Combine(Root, name));

    /// <summary>A YAML document as JSON: numbers and booleans are what YAML's core schema makes of them.</summary>
    public static JsonObject Yaml(string text)
    {
        object? read = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build().Deserialize(text);
        return JsonNode.Parse(new SerializerBuilder().JsonCompatible().Build().Serialize(read))!.AsObject();
    }
}
