using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Weights;

/// <summary>A model's tensors as the decoder reads them. All are frozen unless every parameter trains.</summary>
internal sealed class DecoderWeights : IDisposable
{
    /// <summary>[vocabulary, width].</summary>
    public required WeightMatrix Embedding { get; init; }

    /// <summary>The embedding table [vocabulary, width] itself, in the compute dtype.</summary>
    /// <exception cref="InvalidOperationException">It is stored in another format.</exception>
    public Tensor EmbedTokens => Embedding.Stored ?? throw new InvalidOperationException("the embedding table is not stored in the compute dtype");

    /// <summary>Of activations.</summary>
    public ScalarType Dtype => Embedding.Dtype;

    public Device Device => Embedding.Tensors.First().device;

    /// <summary>[positions, hidden], or null.</summary>
    public Tensor? Positions { get; init; }

    public LinearWeight? ProjectIn { get; init; }

    public LinearWeight? ProjectOut { get; init; }

    public required LayerWeights[] Layers { get; init; }

    public NormWeight? FinalNorm { get; init; }

    /// <summary>Shares <see cref="Embedding"/> where it is tied.</summary>
    public required LinearWeight Head { get; init; }

    public bool HeadIsTied => ReferenceEquals(Head.Matrix, Embedding);

    /// <summary>Every linear layer, in <see cref="ModelSlots.Linears"/>' order.</summary>
    public IEnumerable<LinearWeight> Linears =>
        [.. ProjectIn is null ? [] : (LinearWeight[])[ProjectIn], .. Layers.SelectMany(layer => layer.Linears), .. ProjectOut is null ? [] : (LinearWeight[])[ProjectOut], Head];

    /// <summary>Every norm, in <see cref="ModelSlots.Norms"/>' order.</summary>
    public IEnumerable<NormWeight> Norms => [.. Layers.SelectMany(layer => layer.Norms), .. FinalNorm is null ? [] : (NormWeight[])[FinalNorm]];

    /// <summary>Every parameter once, none of it quantised: what full training trains.</summary>
    /// <exception cref="InvalidOperationException">A layer is quantised.</exception>
    public IEnumerable<Tensor> Parameters
    {
        get
        {
            yield return EmbedTokens;
            if (Positions is not null) yield return Positions;
            foreach (Tensor tensor in Norms.SelectMany(norm => norm.Tensors)) yield return tensor;
            foreach (LinearWeight linear in Linears)
            {
                Tensor stored = linear.Stored ?? throw new InvalidOperationException($"{linear.Parts[0].Module} is quantised");
                if (!ReferenceEquals(stored, EmbedTokens)) yield return stored;
                if (linear.Bias is not null) yield return linear.Bias;
            }
        }
    }

    /// <summary>Everything held, once.</summary>
    public IEnumerable<Tensor> Tensors =>
    [
        .. Embedding.Tensors, .. Positions is null ? [] : (Tensor[])[Positions], .. Norms.SelectMany(norm => norm.Tensors),
        .. Linears.SelectMany(linear => linear.Tensors).Except(Embedding.Tensors, ReferenceEqualityComparer.Instance).Cast<Tensor>(),
    ];

    /// <summary>Bytes of everything held, a tied head counted once.</summary>
    public long Bytes => Tensors.Sum(tensor => tensor.numel() * tensor.element_size());

    public void Dispose()
    {
        foreach (Tensor tensor in Tensors.ToArray()) tensor.Dispose();
    }
}

/// <summary>One decoder block's weights; what a family does not have is null.</summary>
internal sealed class LayerWeights
{
    public NormWeight? BeforeAttention { get; init; }

    public NormWeight? AfterAttention { get; init; }

    public NormWeight? BeforeMlp { get; init; }

    public NormWeight? AfterMlp { get; init; }

    public NormWeight? QueryNorm { get; init; }

    public NormWeight? KeyNorm { get; init; }

    /// <summary>Queries, keys and values as one product.</summary>
    public required LinearWeight Qkv { get; init; }

    public required LinearWeight O { get; init; }

    /// <summary>Gate and up as one product, or up alone; null in a layer of experts.</summary>
    public LinearWeight? Up { get; init; }

    public LinearWeight? Down { get; init; }

    public ExpertWeights? Experts { get; init; }

    public IEnumerable<NormWeight> Norms => new[] { BeforeAttention, QueryNorm, KeyNorm, AfterAttention, BeforeMlp, AfterMlp }.OfType<NormWeight>();

    public IEnumerable<LinearWeight> Linears => [Qkv, O, .. new[] { Up, Down }.OfType<LinearWeight>(), .. Experts is null ? [] : Experts.Linears];
}

/// <summary>A mixture of experts.</summary>
/// <param name="Router">[experts, hidden].</param>
internal sealed record ExpertWeights(LinearWeight Router, IReadOnlyList<(LinearWeight Up, LinearWeight Down)> Experts)
{
    public IEnumerable<LinearWeight> Linears => [Router, .. Experts.SelectMany(expert => new[] { expert.Up, expert.Down })];
}
