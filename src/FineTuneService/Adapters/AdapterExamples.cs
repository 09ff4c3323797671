using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.Adapters;

/// <summary>Swagger UI's examples of adapters.</summary>
internal static class AdapterExamples
{
    private const string Sha256 = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

    public static readonly AdapterBody Adapter = new(
        "ad-9k2d4f6h8j1l3z5x7c0v2b4n", "adapter", 1764000300, ModelExamples.Tuned, "talers-2m", new BasePrecision(ComputeDtype.Bf16, QuantizationType.Nf4, true), 918_000, 16, 32,
        new AdapterLineage("ftjob-1a3s5d7f9g2h4j6k8l0z2x4c", "file-7d2k9x4m1c8v5b3n6q0w2e4r", 240), "host", false, 1764000900);
    public static readonly AdapterBody Pinned = Adapter with { Residency = "device", Pinned = true };
    public static readonly Page<AdapterBody> Adapters = new([Adapter], false, Adapter.Id, Adapter.Id);
    public static readonly CombineRequest Combine = new()
    {
        Adapters = [new CombinedAdapterBody(Adapter.Id, 0.7), new CombinedAdapterBody("ad-4m6n8b0v2c4x6z8l0k2j4h6g", 0.3)],
        CombinationType = "svd",
        SvdRank = 16,
        Suffix = "both",
    };
    public static readonly AdapterBody Combined = Adapter with
    {
        Id = "ad-3q5w7e9r1t3y5u7i9o1p3a5s",
        Model = "ft:talers-2m:acme:both:3q5w7e9r1t3y5u7i9o1p3a5s",
        Alpha = 16,
        Lineage = new AdapterLineage(null, null, null, new CombinationLineage("svd", [.. Combine.Adapters.Select(part => new CombinedFrom(part.Id, ModelExamples.Tuned, part.Weight, Sha256))], 16)),
    };
    public static readonly MergeRequest Merge = new("merged");
    public static readonly Deleted Deleted = new(Adapter.Id, "adapter");

    public static readonly FormField[] Form =
    [
        new("model", "The base's name.", "talers-2m"),
        new("suffix", "Becomes part of the adapter's name.", "support", Required: false),
        new("file", "A zip with PEFT's adapter_config.json and adapter_model.safetensors (or adapter_model.bin)."),
    ];
}
