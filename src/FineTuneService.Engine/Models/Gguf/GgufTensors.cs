using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models.Gguf;

/// <summary>A model's tensors as a layout has them in a GGUF file: names, types, order of rows, and several in one where it stacks them.</summary>
internal sealed class GgufTensors(ModelConfig config, ITensorSource source, GgufLayout layout, GgufFileType type)
{
    private readonly HeadCounts _heads = new(config.Heads, config.KeyValueHeads);

    /// <param name="queryFactor">What queries are multiplied by.</param>
    /// <exception cref="ModelException">A tensor has no name in the layout.</exception>
    public IEnumerable<GgufOutput> All(double queryFactor) => [.. Factors(), .. Weights(queryFactor)];

    private IEnumerable<GgufOutput> Weights(double queryFactor)
    {
        foreach (IGrouping<string, (Slot Slot, string Name, int? Index)> group in config.Slots.All.Select(Named).GroupBy(tensor => tensor.Name))
        {
            (Slot Slot, string Name, int? Index)[] parts = [.. group.OrderBy(part => part.Index)];
            long[] shape = parts[0].Index is null ? parts[0].Slot.Shape : [parts.Length, .. parts[0].Slot.Shape];
            yield return new GgufOutput(group.Key, type.TypeOf(group.Key, shape), shape, [.. parts.Select(part => (Func<Tensor>)(() => Values(part.Slot.Name, group.Key, queryFactor)))]);
        }
    }

    private (Slot Slot, string Name, int? Index) Named(Slot slot) => layout.ToGguf(slot.Name) is { } named ? (slot, named.Name, named.Index)
        : throw new ModelException($"the model cannot be written as GGUF: tensor {slot.Name} has no name in {layout.Architecture}.");

    private Tensor Values(string name, string gguf, double queryFactor)
    {
        using var scope = NewDisposeScope();
        Tensor values = source.Read(name);
        if (layout.OrderOf(gguf) is { } order) values = order.ToGguf(values, _heads);
        if (layout.IsPlusOne(gguf)) values = values.to_type(ScalarType.Float32) + 1;
        // Queries are linear in the last that is done to them before they are turned.
        if (queryFactor != 1 && GgufLayout.Module(gguf) == (config.QueryKeyNorm is null ? "attn_q" : "attn_q_norm")) values = values.to_type(ScalarType.Float32) * queryFactor;
        return values.MoveToOuterDisposeScope();
    }

    /// <summary>Scalings that GGUF stores as divisors of the frequencies.</summary>
    private IEnumerable<GgufOutput> Factors() => config.RopeScaling switch
    {
        Llama3RopeScaling => [Factor(GgufRope.Divisors, Divisors())],
        LongRopeScaling { AttentionFactor: 1 } same when same.Short.SequenceEqual(same.Long) => [Factor(GgufRope.Divisors, same.Short)],
        LongRopeScaling scaling => [Factor(GgufRope.LongFactors, scaling.Long), Factor(GgufRope.ShortFactors, scaling.Short)],
        _ => [],
    };

    private static GgufOutput Factor(string name, IEnumerable<double> factors)
    {
        float[] values = [.. factors.Select(factor => (float)factor)];
        return new GgufOutput(name, GgufFileType.F32.TypeOf(name, [values.Length]), [values.Length], () => tensor(values));
    }

    private IEnumerable<double> Divisors()
    {
        RopeTraits rope = config.Rope(RopeUse.Global);
        return RotaryFrequencies.Of(rope with { Scaling = null }, 1).Inverse.Zip(RotaryFrequencies.Of(rope, 1).Inverse, (plain, scaled) => (double)plain / scaled);
    }
}
