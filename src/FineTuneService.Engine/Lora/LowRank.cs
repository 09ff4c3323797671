using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>A pair of low-rank matrices, of a linear layer or of the input embeddings: what they do is scaling · B·A.</summary>
/// <param name="A">[rank, in]; of embeddings [rank, vocabulary].</param>
/// <param name="B">[out, rank]; of embeddings [width, rank].</param>
internal sealed record LowRank(string Module, Tensor A, Tensor B, double Scaling)
{
    public int Rank => (int)A.shape[0];

    /// <summary>All of an adapter, as views of its values.</summary>
    public static IEnumerable<LowRank> Of(LoraTensors values) =>
    [
        .. values.Embedding is { } table ? [new LowRank(table.Place.Module, table.A, table.B, table.Place.Scaling)] : (LowRank[])[],
        .. values.Parts.Select(part => new LowRank(part.Module, part.A, part.B, part.Scaling)),
    ];

    /// <summary>The rank of each pair, by module, of a layout.</summary>
    public static IEnumerable<(string Module, int Rank)> RanksOf(LoraLayout layout) =>
    [
        .. layout.Embedding is { } table ? [(table.Module, (int)table.A.Shape[0])] : ((string, int)[])[],
        .. layout.Layers.SelectMany(layer => layer.Modules).Select(module => (module.Part.Module, module.Rank)),
    ];
}
