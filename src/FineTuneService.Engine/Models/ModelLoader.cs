using System.Runtime.InteropServices;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>Makes the decoder's weights of a checkpoint's tensors, and refuses a checkpoint that is not what its config says.</summary>
/// <param name="betweenLayers">Called after each layer.</param>
internal sealed class ModelLoader(ModelConfig config, BasePrecision precision, ModelFiles files, Action? betweenLayers = null)
{
    private readonly ScalarType _dtype = precision.Dtype == ComputeDtype.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
    private readonly HashSet<string> _read = [];

    /// <exception cref="ModelException">A tensor is missing, misshapen, or not part of the model.</exception>
    public DecoderWeights Load()
    {
        using var scope = NewDisposeScope();
        Tensor embed = Tensor("model.embed_tokens.weight", config.VocabularySize, config.HiddenSize);
        LinearShape[] linears = [.. config.Linears];
        var layers = new LayerWeights[config.Layers];
        for (int i = 0; i < layers.Length; i++)
        {
            layers[i] = Layer(i, linears.AsSpan(4 * i, 4));
            betweenLayers?.Invoke();
        }
        var weights = new DecoderWeights
        {
            EmbedTokens = embed,
            Layers = layers,
            FinalNorm = Tensor("model.norm.weight", config.HiddenSize),
            Head = Head(linears[^1], embed),
        };
        RefuseExtras();
        return weights;
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
        if (config.TieWordEmbeddings) _read.Add("lm_head.weight"); // Some tied checkpoints store the copy.
        return new DenseWeight(weight) { Parts = LinearParts.Of(shape), In = shape.In, Out = config.VocabularySize };
    }

    private LinearWeight Linear(LinearShape shape)
    {
        using var scope = NewDisposeScope();
        IReadOnlyList<LinearPart> parts = LinearParts.Of(shape);
        int rows = shape.Parts.Sum(part => part.Out);
        Tensor? bias = config.HasBias(shape.Parts[0].Module)
            ? cat([.. shape.Parts.Select(part => Stored(part.Module + ".bias", part.Out))], 0).to_type(_dtype).DetachFromDisposeScope() : null;
        if (precision.Quantization == QuantizationType.Nf4)
        {
            Nf4Matrix[] matrices = [.. shape.Parts.Select(part => Quantized(part, shape.In))];
            return new Nf4Weight(matrices, _dtype) { Parts = parts, In = shape.In, Out = rows, Bias = bias };
        }
        Tensor joined = empty([rows, shape.In], dtype: _dtype).DetachFromDisposeScope();
        foreach (LinearPartShape part in shape.Parts)
            joined.narrow(0, part.Offset, part.Out).copy_(Stored(part.Module + ".weight", part.Out, shape.In));
        return new DenseWeight(joined) { Parts = parts, In = shape.In, Out = rows, Bias = bias };
    }

    /// <summary>Values are rounded to the compute dtype first, as transformers loads a model before bitsandbytes quantises it.</summary>
    private Nf4Matrix Quantized(LinearPartShape part, int columns)
    {
        using var scope = NewDisposeScope();
        Tensor values = Stored(part.Module + ".weight", part.Out, columns).to_type(_dtype).to_type(ScalarType.Float32).contiguous();
        return Nf4Matrix.Quantize(MemoryMarshal.Cast<byte, float>(values.bytes).ToArray(), precision.DoubleQuantization);
    }

    /// <summary>A copy in the compute dtype, which lives as long as the model.</summary>
    private Tensor Tensor(string name, params long[] shape)
    {
        using var scope = NewDisposeScope();
        return empty(shape, dtype: _dtype).copy_(Stored(name, shape)).DetachFromDisposeScope();
    }

    /// <summary>The mapped tensor, its shape checked.</summary>
    private Tensor Stored(string name, params long[] shape)
    {
        SafetensorsEntry entry = files.Find(name) ?? throw new ModelException($"tensor {name} is missing.");
        if (!entry.Shape.AsSpan().SequenceEqual(shape))
            throw new ModelException($"tensor {name} has shape [{string.Join(", ", entry.Shape)}]; config.json asks for [{string.Join(", ", shape)}].");
        if (entry.Dtype is not (ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16))
            throw new ModelException($"tensor {name} is {entry.Dtype}; weights must be fp32, bf16 or fp16.");
        _read.Add(name);
        return files.Read(name);
    }

    private void RefuseExtras()
    {
        string[] extras = [.. files.Names.Where(name => !_read.Contains(name) && !IsBuffer(name)).Order(StringComparer.Ordinal)];
        if (extras.Length > 0)
            throw new ModelException($"tensor {extras[0]} is not part of the model that config.json describes ({extras.Length} such tensors).");
    }

    /// <summary>What old checkpoints stored although it follows from the config.</summary>
    private static bool IsBuffer(string name) =>
        name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) || name.EndsWith(".attn.bias", StringComparison.Ordinal)
        || name.EndsWith(".masked_bias", StringComparison.Ordinal);
}
