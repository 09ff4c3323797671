using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats;

/// <summary>A tensor as a safetensors header describes it.</summary>
/// <param name="Begin">First byte, from the file's start.</param>
/// <param name="End">The byte after the last.</param>
internal sealed record SafetensorsEntry(string Name, ScalarType Dtype, long[] Shape, long Begin, long End)
{
    /// <summary>safetensors' names of the dtypes that a tensor here can have.</summary>
    public static readonly IReadOnlyDictionary<string, ScalarType> Dtypes = new Dictionary<string, ScalarType>
    {
        ["F64"] = ScalarType.Float64,
        ["F32"] = ScalarType.Float32,
        ["F16"] = ScalarType.Float16,
        ["BF16"] = ScalarType.BFloat16,
        ["I64"] = ScalarType.Int64,
        ["I32"] = ScalarType.Int32,
        ["I16"] = ScalarType.Int16,
        ["I8"] = ScalarType.Int8,
        ["U8"] = ScalarType.Byte,
        ["BOOL"] = ScalarType.Bool,
    };

    /// <summary>Its dtype in safetensors' terms.</summary>
    public string DtypeName => Dtypes.First(dtype => dtype.Value == Dtype).Key;

    /// <summary>Whether its elements are fractions, and not whole numbers.</summary>
    public bool IsFloat => Dtype is ScalarType.Float64 or ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16;

    public static int SizeOf(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 or ScalarType.Int64 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
        _ => 1,
    };
}
