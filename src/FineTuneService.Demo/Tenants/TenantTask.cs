using System.Text.Encodings.Web;
using System.Text.Json;

namespace FineTuneService.Demo.Tenants;

/// <summary>What a tenant's users ask, and the only right answer.</summary>
public sealed record Example(string Prompt, string Answer)
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A line of a chat dataset.</summary>
    public string ToJsonLine() => JsonSerializer.Serialize(new
    {
        messages = new[] { new { role = "user", content = Prompt }, new { role = "assistant", content = Answer } },
    }, Plain);
}

/// <summary>A behaviour that a tenant wants to teach the base model. The three sets share no prompt.</summary>
/// <param name="Tenant">The tenant's id.</param>
/// <param name="Suffix">The name that the tenant gives its model.</param>
public sealed record TenantTask(
    string Tenant, string Suffix, IReadOnlyList<Example> Train, IReadOnlyList<Example> Validation, IReadOnlyList<Example> HeldOut)
{
    /// <summary>Takes the next examples with a new prompt for one set after the other.</summary>
    public static TenantTask Of(string tenant, string suffix, int train, int validation, int heldOut, IEnumerable<Example> endless)
    {
        var examples = endless.DistinctBy(e => e.Prompt).Take(train + validation + heldOut).ToArray();
        return new TenantTask(tenant, suffix, examples[..train], examples[train..^heldOut], examples[^heldOut..]);
    }

    public static string JsonLines(IEnumerable<Example> examples) => string.Concat(examples.Select(e => e.ToJsonLine() + "\n"));

    /// <summary>Writes {suffix}-train.jsonl, -validation.jsonl and -held-out.jsonl.</summary>
    public void Save(string folder)
    {
        foreach (var (part, examples) in new[] { ("train", Train), ("validation", Validation), ("held-out", HeldOut) })
            File.WriteAllText(Path.Combine(folder, $"{Suffix}-{part}.jsonl"), JsonLines(examples));
    }
}
