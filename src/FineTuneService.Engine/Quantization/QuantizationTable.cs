namespace FineTuneService.Engine.Quantization;

/// <summary>
/// How the frozen linear layers are stored. Embeddings, norms and lm_head are never quantised; as_stored has every tensor as a GGUF file does.
/// </summary>
public enum QuantizationType { None, Nf4, Fp4, Int8, AsStored }

/// <summary>The precisions there are: a format, a file beside this one, and one line here with the name that jobs give it.</summary>
public static class QuantizationTable
{
    private static readonly Row[] All =
    [
        new(QuantizationType.None, "none", _ => new DenseFormat()),
        new(QuantizationType.Nf4, "nf4", twice => new Nf4Format(twice), HasScales: true),
        new(QuantizationType.Fp4, "fp4", twice => new Fp4Format(twice), HasScales: true),
        new(QuantizationType.Int8, "int8", _ => new Int8Format(Int8Format.OutlierThreshold)),
        new(QuantizationType.AsStored, "as_stored", _ => new StoredFormat()),
    ];

    public static IEnumerable<string> Names => All.Select(row => row.Name);

    /// <summary>Null where there is none of that name.</summary>
    public static QuantizationType? Find(string name) => All.FirstOrDefault(row => row.Name == name)?.Type;

    /// <summary>It has scales of blocks, which can be quantised too (QLoRA, section 3).</summary>
    public static bool CanDouble(QuantizationType type) => Of(type).HasScales;

    internal static WeightFormat Format(QuantizationType type, bool twice) => Of(type).Make(twice);

    private static Row Of(QuantizationType type) => All.First(row => row.Type == type);

    private sealed record Row(QuantizationType Type, string Name, Func<bool, WeightFormat> Make, bool HasScales = false);
}
