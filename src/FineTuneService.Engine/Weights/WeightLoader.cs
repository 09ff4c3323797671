using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Weights;

/// <summary>Makes a decoder's weights of the tensors that its slots name: a checkpoint's, which have been checked, or drawn ones.</summary>
/// <param name="dtype">The compute dtype.</param>
/// <param name="format">Of the linear layers that are quantised.</param>
internal sealed class WeightLoader(ModelSlots slots, ITensorSource source, ScalarType dtype, WeightFormat format)
{
    private readonly List<Tensor> _kept = [];

    /// <summary>Kinds of the norms, and what they add to the variance.</summary>
    public required (NormKind Kind, NormKind QueryKey, float Epsilon) Norms { get; init; }

    /// <summary>Called between layers: others may work meanwhile.</summary>
    public Action? BetweenLayers { get; init; }

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
        WeightMatrix embedding = Matrix(format.OfTables, [slots.Embedding]);
        return new DecoderWeights
        {
            Embedding = embedding,
            Positions = slots.Positions is { } positions ? Tensor([positions.Name], positions.Shape) : null,
            ProjectIn = slots.ProjectIn is { } projectIn ? Linear(projectIn) : null,
            ProjectOut = slots.ProjectOut is { } projectOut ? Linear(projectOut) : null,
            Layers = [.. slots.Layers.Select(Layer)],
            FinalNorm = Norm(slots.FinalNorm),
            Head = slots.HeadIsTied ? new LinearWeight(embedding) { Parts = slots.Head.Parts, Bias = Bias(slots.Head) } : Linear(slots.Head),
        };
    }

    private LayerWeights Layer(LayerSlots layer)
    {
        var weights = new LayerWeights
        {
            BeforeAttention = Norm(layer.BeforeAttention),
            AfterAttention = Norm(layer.AfterAttention),
            BeforeMlp = Norm(layer.BeforeMlp),
            AfterMlp = Norm(layer.AfterMlp),
            QueryNorm = Norm(layer.QueryNorm, Norms.QueryKey),
            KeyNorm = Norm(layer.KeyNorm, Norms.QueryKey),
            Qkv = Linear(layer.Qkv),
            O = Linear(layer.O),
            Up = layer.Up is null ? null : Linear(layer.Up),
            Down = layer.Down is null ? null : Linear(layer.Down),
            Experts = layer.Experts is { } experts
                ? new ExpertWeights(Linear(experts.Router), [.. experts.Experts.Select(expert => (Linear(expert.Up), Linear(expert.Down)))]) : null,
        };
        BetweenLayers?.Invoke();
        return weights;
    }

    private NormWeight? Norm(NormSlot? norm, NormKind? kind = null)
    {
        if (norm is null) return null;
        Slot[] weights = [.. norm.Weights], biases = [.. norm.Slots.Skip(weights.Length)];
        return new NormWeight(
            kind ?? Norms.Kind, Tensor(weights.Select(slot => slot.Name), norm.Shape), biases.Length == 0 ? null : Tensor(biases.Select(slot => slot.Name), norm.Shape), Norms.Epsilon)
        {
            Module = norm.Modules[0],
        };
    }

    private LinearWeight Linear(LinearSlot linear)
    {
        using var scope = NewDisposeScope();
        return new LinearWeight(Matrix(linear.StaysDense ? format.OfTables : format, linear.Weights)) { Parts = linear.Parts, Bias = Bias(linear) };
    }

    private WeightMatrix Matrix(WeightFormat format, IEnumerable<Slot> rows)
    {
        WeightMatrix matrix = format.Encode(source, [.. rows.Select(slot => slot.Name)], dtype);
        _kept.AddRange(matrix.Tensors);
        return matrix;
    }

    private Tensor? Bias(LinearSlot linear) => linear.Bias ? Tensor(linear.Biases.Select(slot => slot.Name), [linear.Out]) : null;

    /// <summary>A copy in the compute dtype, which lives as long as the model: of one tensor, or of several one under the other.</summary>
    private Tensor Tensor(IEnumerable<string> names, long[] shape)
    {
        using var scope = NewDisposeScope();
        Tensor kept = empty(shape, dtype: dtype).DetachFromDisposeScope(), flat = kept.view(-1);
        _kept.Add(kept);
        long offset = 0;
        foreach (string name in names)
        {
            long count = source.Find(name)!.Count;
            source.CopyTo(name, flat.narrow(0, offset, count));
            offset += count;
        }
        return kept;
    }
}
