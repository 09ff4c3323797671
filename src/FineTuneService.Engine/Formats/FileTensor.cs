using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats;

/// <summary>A tensor whose values lie in a file as numbers of its dtype, little-endian.</summary>
/// <param name="Begin">First byte, from the file's start.</param>
/// <param name="End">The byte after the last.</param>
internal sealed record FileTensor(string Name, ScalarType Dtype, long[] Shape, long Begin, long End) : StoredTensor(Name, Dtype, Shape)
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

    /// <summary>Elements from one index to the next, a dimension, where the values do not lie row by row; PyTorch writes such files. Null otherwise.</summary>
    public long[]? Strides { get; init; }

    public static int SizeOf(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 or ScalarType.Int64 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
        _ => 1,
    };
}
