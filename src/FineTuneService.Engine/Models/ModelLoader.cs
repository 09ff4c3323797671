using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>Makes the decoder's weights of a checkpoint's tensors, which have been checked.</summary>
/// <param name="betweenLayers">Called after each layer.</param>
internal sealed class ModelLoader(ModelConfig config, BasePrecision precision, ITensorSource files, Action? betweenLayers = null)
{
    private readonly ScalarType _dtype = precision.Dtype == ComputeDtype.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
    private readonly List<Tensor> _kept = [];

    /// <summary>Where it fails, memory being short, nothing of it stays.</summary>
    public DecoderWeights Load()
    {
        try
        {
            using var scope = NewDisposeScope();
            return Weights();
        }
        catch
        {
            _kept.ForEach(tensor => tensor.Dispose());
            throw;
        }
    }

    private DecoderWeights Weights()
    {
        Tensor embed = Tensor("model.embed_tokens.weight", config.VocabularySize, config.HiddenSize);
        LinearShape[] linears = [.. config.Linears];
        var layers = new LayerWeights[config.Layers];
        for (int i = 0; i < layers.Length; i++)
        {
            layers[i] = Layer(i, linears.AsSpan(4 * i, 4));
            betweenLayers?.Invoke();
        }
        return new DecoderWeights
        {
            EmbedTokens = embed,
            Layers = layers,
            FinalNorm = Tensor("model.norm.weight", config.HiddenSize),
            Head = Head(linears[^1], embed),
        };
    }

    private LayerWeights Layer(int i, ReadOnlySpan<LinearShape> linears) => new()
    {
        InputNorm = Tensor($"model.layers.{i}.input_layernorm.weight", config.HiddenSize),
        PostAttentionNorm = Tensor($"model.layers.{i}.post_attention_layernorm.weight", config.HiddenSize),
        Qkv = Linear(linears[0]),
        O = Linear(linears[1]),
        GateUp = Linear(linears[2]),
        Down = Linear(linears[3]),
    };

    private LinearWeight Head(LinearShape shape, Tensor embed)
    {
        Tensor weight = config.TieWordEmbeddings ? embed : Tensor("lm_head.weight", config.VocabularySize, config.HiddenSize);
        return new LinearWeight(new DenseMatrix(weight)) { Parts = LinearParts.Of(shape) };
    }

    private LinearWeight Linear(LinearShape shape)
    {
        using var scope = NewDisposeScope();
        Tensor? bias = config.HasBias(shape.Parts[0].Module) ? Kept(cat([.. shape.Parts.Select(part => files.Read(part.Module + ".bias"))], 0).to_type(_dtype)) : null;
        WeightMatrix matrix = precision.Format.Encode(files, [.. shape.Parts.Select(part => part.Module + ".weight")], _dtype);
        _kept.AddRange(matrix.Tensors);
        return new LinearWeight(matrix) { Parts = LinearParts.Of(shape), Bias = bias };
    }

    /// <summary>A copy in the compute dtype, which lives as long as the model.</summary>
    private Tensor Tensor(string name, params long[] shape)
    {
        using var scope = NewDisposeScope();
        Tensor kept = Kept(empty(shape, dtype: _dtype));
        kept.copy_(files.Read(name));
        return kept;
    }

    private Tensor Kept(Tensor tensor)
    {
        _kept.Add(tensor.DetachFromDisposeScope());
        return tensor;
    }
}
