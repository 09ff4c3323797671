using System.Runtime.InteropServices;
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

    private DenseWeight Head(LinearShape shape, Tensor embed)
    {
        Tensor weight = config.TieWordEmbeddings ? embed : Tensor("lm_head.weight", config.VocabularySize, config.HiddenSize);
        return new DenseWeight(weight) { Parts = LinearParts.Of(shape), In = shape.In, Out = config.VocabularySize };
    }

    private LinearWeight Linear(LinearShape shape)
    {
        using var scope = NewDisposeScope();
        IReadOnlyList<LinearPart> parts = LinearParts.Of(shape);
        int rows = shape.Parts.Sum(part => part.Out);
        Tensor? bias = config.HasBias(shape.Parts[0].Module) ? Kept(cat([.. shape.Parts.Select(part => files.Read(part.Module + ".bias"))], 0).to_type(_dtype)) : null;
        if (precision.Quantization == QuantizationType.Nf4)
        {
            Nf4Matrix[] matrices = [.. shape.Parts.Select(Quantized)];
            return new Nf4Weight(matrices, _dtype) { Parts = parts, In = shape.In, Out = rows, Bias = bias };
        }
        Tensor joined = Kept(empty([rows, shape.In], dtype: _dtype));
        foreach (LinearPartShape part in shape.Parts) joined.narrow(0, part.Offset, part.Out).copy_(files.Read(part.Module + ".weight"));
        return new DenseWeight(joined) { Parts = parts, In = shape.In, Out = rows, Bias = bias };
    }

    /// <summary>Values are rounded to the compute dtype first, as transformers loads a model before bitsandbytes quantises it.</summary>
    private Nf4Matrix Quantized(LinearPartShape part)
    {
        using var scope = NewDisposeScope();
        Tensor values = files.Read(part.Module + ".weight").to_type(_dtype).to_type(ScalarType.Float32).contiguous();
        return Nf4Matrix.Quantize(MemoryMarshal.Cast<byte, float>(values.bytes).ToArray(), precision.DoubleQuantization);
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
