using FineTuneService.Hosting;

namespace FineTuneService.Models;

/// <summary>Swagger UI's examples of models.</summary>
internal static class ModelExamples
{
    public const string Tuned = "ft:talers-2m:acme:support:9k2d4f6h8j1l3z5x7c0v2b4n";

    public static readonly RegisterModelRequest Register = new("tinyllama", "/srv/models/TinyLlama-1.1B");
    public static readonly ModelBody Base = new("talers-2m", "model", 1764000000, "system", "base", null, 3_546_472);
    public static readonly ModelBody Adapter = new(Tuned, "model", 1764000300, "acme", "adapter", "talers-2m", 918_000);
    public static readonly ModelBody Merged = new($"{Tuned}:merged:5t7y9u1i", "model", 1764000400, "acme", "merged", "ad-9k2d4f6h8j1l3z5x7c0v2b4n", 3_546_472);
    public static readonly ModelBody Registered = new("tinyllama", "model", 1764000500, "system", "base", null, 2_200_119_864);
    public static readonly ModelList Models = new([Base, Adapter, Merged]);
    public static readonly Deleted Deleted = new(Tuned, "model");
}
