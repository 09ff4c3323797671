namespace FineTuneService.Benchmarks.Fuzz;

/// <summary>A kind of input: valid ones, how text of it is pieced together, and where the service takes it.</summary>
/// <param name="Name">jsonl, csv, …</param>
/// <param name="Seeds">Valid inputs.</param>
/// <param name="Words">What it is written with: put in where bytes alone would hardly come upon them.</param>
/// <param name="Send">Gives an input to the service.</param>
internal sealed record FuzzKind(string Name, IReadOnlyList<byte[]> Seeds, IReadOnlyList<string> Words, Func<byte[], Task<HttpResponseMessage>> Send)
{
    /// <summary>Changes a valid input so that its outer form (JSON, an archive) still holds; null where bytes alone reach deep enough.</summary>
    public Func<byte[], FuzzKind, Random, byte[]>? Inside { get; init; }
}
