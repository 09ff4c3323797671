using System.Text.Json.Serialization;

namespace FineTuneService.Hosting;

/// <summary>OpenAI's answer to a DELETE.</summary>
public sealed record Deleted(string Id, string Object)
{
    [JsonPropertyName("deleted")]
    public bool IsDeleted => true;
}
