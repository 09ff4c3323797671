using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>A tensor of a GGUF file. Its shape is row-major: GGUF lists dimensions the other way round.</summary>
/// <param name="Type">How its numbers are stored.</param>
/// <param name="Begin">First byte, from the file's start.</param>
internal sealed record GgufTensor(string Name, GgmlType Type, long[] Shape, long Begin) : StoredTensor(Name, DtypeOf(Type), Shape)
{
    public override GgmlType Ggml => Type;

    public long Columns => Shape.Length == 0 ? 1 : Shape[^1];
    public long Rows => Columns == 0 ? 0 : Count / Columns;
    public int RowBytes => checked((int)Type.BytesOf(Columns));

    /// <summary>One of those that lie one after the other in it, along its first dimension.</summary>
    public GgufTensor Part(int index) => this with { Shape = Shape[1..], Begin = Begin + index * (Bytes / Shape[0]) };

    /// <summary>What reading gives: numbers as they are, or what blocks stand for in fp32.</summary>
    private static ScalarType DtypeOf(GgmlType type) => type.Name switch
    {
        "F16" => ScalarType.Float16,
        "BF16" => ScalarType.BFloat16,
        _ => ScalarType.Float32,
    };
}
