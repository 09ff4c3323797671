using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>A model's tensors as the decoder reads them. All are frozen unless every parameter trains.</summary>
internal sealed class DecoderWeights : IDisposable
{
    /// <summary>[vocabulary, hidden], in the compute dtype.</summary>
    public required Tensor EmbedTokens { get; init; }
    public required LayerWeights[] Layers { get; init; }

    /// <summary>[hidden].</summary>
    public required Tensor FinalNorm { get; init; }

    /// <summary>Shares <see cref="EmbedTokens"/> where it is tied. Never quantised.</summary>
    public required LinearWeight Head { get; init; }

    public bool HeadIsTied => ReferenceEquals(Head.Stored, EmbedTokens);

    /// <summary>Every linear layer, in <see cref="ModelConfig.Linears"/>' order.</summary>
    public IEnumerable<LinearWeight> Linears => Layers.SelectMany(layer => layer.Linears).Append(Head);

    /// <summary>Every parameter once, none of it quantised: what full training trains.</summary>
    /// <exception cref="InvalidOperationException">A layer is quantised.</exception>
    public IEnumerable<Tensor> Parameters
    {
        get
        {
            yield return EmbedTokens;
            foreach (LayerWeights layer in Layers)
            {
                yield return layer.InputNorm;
                yield return layer.PostAttentionNorm;
                foreach (LinearWeight linear in layer.Linears)
                {
                    yield return linear.Stored ?? throw new InvalidOperationException($"{linear.Parts[0].Module} is quantised");
                    if (linear.Bias is not null) yield return linear.Bias;
                }
            }
            yield return FinalNorm;
            if (!HeadIsTied) yield return Head.Stored!;
        }
    }

    /// <summary>Bytes of everything held, a tied head counted once.</summary>
    public long Bytes
    {
        get
        {
            long bytes = Size(EmbedTokens) + Size(FinalNorm) + (HeadIsTied ? 0 : Head.Bytes);
            foreach (LayerWeights layer in Layers)
                bytes += Size(layer.InputNorm) + Size(layer.PostAttentionNorm) + layer.Linears.Sum(linear => linear.Bytes);
            return bytes;
        }
    }

    public void Dispose()
    {
        if (!HeadIsTied) Head.Dispose();
        EmbedTokens.Dispose();
        FinalNorm.Dispose();
        foreach (LayerWeights layer in Layers) layer.Dispose();
    }

    private static long Size(Tensor tensor) => tensor.numel() * tensor.element_size();
}

/// <summary>One decoder block's weights.</summary>
internal sealed class LayerWeights : IDisposable
{
    /// <summary>[hidden].</summary>
    public required Tensor InputNorm { get; init; }

    /// <summary>[hidden].</summary>
    public required Tensor PostAttentionNorm { get; init; }

    /// <summary>q_proj, k_proj and v_proj, joined by rows into one product.</summary>
    public required LinearWeight Qkv { get; init; }
    public required LinearWeight O { get; init; }

    /// <summary>gate_proj and up_proj, joined by rows into one product.</summary>
    public required LinearWeight GateUp { get; init; }
    public required LinearWeight Down { get; init; }

    public IEnumerable<LinearWeight> Linears => [Qkv, O, GateUp, Down];

    public void Dispose()
    {
        InputNorm.Dispose();
        PostAttentionNorm.Dispose();
        foreach (LinearWeight linear in Linears) linear.Dispose();
    }
}
