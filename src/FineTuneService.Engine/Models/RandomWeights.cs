using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>Weights of a model that has learned nothing: normal with config.json's initializer_range, norms 1, biases 0, drawn by counter.</summary>
internal sealed class RandomWeights(ModelConfig config, BasePrecision precision, ulong seed)
{
    private const int ChunkValues = 1 << 16;

    private readonly ScalarType _dtype = precision.Dtype == ComputeDtype.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
    private ulong _stream;

    public DecoderWeights Make()
    {
        Tensor embed = Normal(config.VocabularySize, config.HiddenSize);
        LinearShape[] linears = [.. config.Linears];
        var layers = new LayerWeights[config.Layers];
        for (int i = 0; i < layers.Length; i++)
        {
            layers[i] = new LayerWeights
            {
                InputNorm = One(),
                PostAttentionNorm = One(),
                Qkv = Linear(linears[4 * i]),
                O = Linear(linears[4 * i + 1]),
                GateUp = Linear(linears[4 * i + 2]),
                Down = Linear(linears[4 * i + 3]),
            };
        }
        LinearShape head = linears[^1];
        Tensor headWeight = config.TieWordEmbeddings ? embed : Normal(config.VocabularySize, config.HiddenSize);
        return new DecoderWeights
        {
            EmbedTokens = embed,
            Layers = layers,
            FinalNorm = One(),
            Head = new LinearWeight(new DenseMatrix(headWeight)) { Parts = LinearParts.Of(head) },
        };
    }

    private LinearWeight Linear(LinearShape shape)
    {
        IReadOnlyList<LinearPart> parts = LinearParts.Of(shape);
        int rows = shape.Parts.Sum(part => part.Out);
        Tensor? bias = config.HasBias(parts[0].Module) ? zeros([rows], _dtype).DetachFromDisposeScope() : null;
        // Dense layers are drawn as one matrix, others part by part.
        IEnumerable<int> each = precision.Format is DenseFormat ? [rows] : parts.Select(part => part.Out);
        return new LinearWeight(JoinedMatrix.Of([.. each.Select(count => Matrix(count, shape.In))])) { Parts = parts, Bias = bias };
    }

    private WeightMatrix Matrix(int rows, int columns)
    {
        using Tensor values = Normal(rows, columns);
        return precision.Format.Encode(values, _dtype);
    }

    private Tensor One() => ones([config.HiddenSize], _dtype).DetachFromDisposeScope();

    private Tensor Normal(int rows, int columns)
    {
        using var scope = NewDisposeScope();
        return tensor(Values((long)rows * columns)).to_type(_dtype).view(rows, columns).DetachFromDisposeScope();
    }

    /// <summary>Box and Muller's transform of two uniform numbers.</summary>
    private float[] Values(long count)
    {
        var random = new CounterRandom(seed, _stream++);
        var values = new float[count];
        Chunks.Run((int)((count + ChunkValues - 1) / ChunkValues), chunk =>
        {
            for (long i = (long)chunk * ChunkValues; i < Math.Min(count, (chunk + 1L) * ChunkValues); i++)
            {
                double radius = Math.Sqrt(-2 * Math.Log(1 - random.Unit((ulong)(2 * i))));
                values[i] = config.InitializerRange * (float)(radius * Math.Cos(2 * Math.PI * random.Unit((ulong)(2 * i + 1))));
            }
        });
        return values;
    }
}
