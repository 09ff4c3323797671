using FineTuneService.Hosting;
using FineTuneService.Hub;

namespace FineTuneService.Models;

/// <summary>Swagger UI's examples of models.</summary>
internal static class ModelExamples
{
    public const string Tuned = "ft:talers-2m:acme:support:9k2d4f6h8j1l3z5x7c0v2b4n";

    public static readonly RegisterModelRequest Register = new() { Id = "tinyllama", Folder = "/srv/models/TinyLlama-1.1B" };
    public static readonly RegisterModelRequest FromHub = new() { Source = "hub", Repo = "HuggingFaceTB/SmolLM2-135M-Instruct", Revision = "main" };
    public static readonly ModelBody Base = new("talers-2m", "model", 1764000000, "system", "base", null, 3_546_472);
    public static readonly ModelBody Adapter = new(Tuned, "model", 1764000300, "acme", "adapter", "talers-2m", 918_000);
    public static readonly ModelBody Merged = new($"{Tuned}:merged:5t7y9u1i", "model", 1764000400, "acme", "merged", "ad-9k2d4f6h8j1l3z5x7c0v2b4n", 3_546_472);
    public static readonly ModelBody Registered = new("tinyllama", "model", 1764000500, "system", "base", null, 2_200_119_864);
    public static readonly ModelBody Downloading = new(
        "SmolLM2-135M-Instruct", "model", 1764000600, "system", "base", null, 134_217_728, HubStatus.Downloading,
        new HubBody("HuggingFaceTB/SmolLM2-135M-Instruct", "main", "12fd25f77366fa6b3b4b768ec3050bf629380bac", null))
    { BytesDone = 134_217_728, BytesTotal = 271_164_368 };
    public static readonly ModelList Models = new([Base, Adapter, Merged]);
    public static readonly Deleted Deleted = new(Tuned, "model");
}
