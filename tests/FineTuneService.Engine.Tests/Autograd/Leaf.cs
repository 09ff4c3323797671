using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Autograd;

/// <summary>Tensors that libtorch's autograd computes gradients for.</summary>
internal static class Leaf
{
    public static Tensor Of(Tensor tensor, ScalarType dtype) => tensor.detach().to_type(dtype).clone().requires_grad_();

    /// <summary>A and B of a module: fp32 masters, whose values are rounded before they are used.</summary>
    public static (Tensor A, Tensor B) Of(JoinedLoraPart part, ScalarType rounded) =>
        (Of(part.A.to_type(rounded), ScalarType.Float32), Of(part.B.to_type(rounded), ScalarType.Float32));

    /// <summary>Uniform in ±1, from a counter.</summary>
    public static Tensor Draw(ulong seed, ScalarType dtype, params long[] shape)
    {
        long count = shape.Aggregate(1L, (product, size) => product * size);
        return tensor(new CounterRandom(seed, 7).Uniform(count, -1, 1)).view(shape).to_type(dtype);
    }

    /// <summary>Copies of a model's parameters, and each beside what it was copied from.</summary>
    public static (DecoderWeights Weights, IReadOnlyList<(Tensor Source, Tensor Leaf)> Pairs) Of(DecoderWeights weights, ScalarType dtype)
    {
        var pairs = new List<(Tensor, Tensor)>();
        Tensor Copy(Tensor source)
        {
            Tensor leaf = Of(source, dtype);
            pairs.Add((source, leaf));
            return leaf;
        }
        LinearWeight Linear(LinearWeight linear) => new(new DenseMatrix(Copy(linear.Stored!)))
        {
            Parts = linear.Parts,
            Bias = linear.Bias is null ? null : Copy(linear.Bias),
        };
        NormWeight? Norm(NormWeight? norm) => norm is null ? null : norm with { Weight = Copy(norm.Weight) };
        var embed = new DenseMatrix(Copy(weights.EmbedTokens));
        var copy = new DecoderWeights
        {
            Embedding = embed,
            FinalNorm = Norm(weights.FinalNorm),
            Layers = [.. weights.Layers.Select(layer => new LayerWeights
            {
                BeforeAttention = Norm(layer.BeforeAttention),
                BeforeMlp = Norm(layer.BeforeMlp),
                Qkv = Linear(layer.Qkv),
                O = Linear(layer.O),
                Up = Linear(layer.Up!),
                Down = Linear(layer.Down!),
            })],
            Head = weights.HeadIsTied
                ? new LinearWeight(embed) { Parts = weights.Head.Parts } : Linear(weights.Head),
        };
        return (copy, pairs);
    }
}
