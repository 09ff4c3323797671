using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>A tensor to be written to a GGUF file.</summary>
/// <param name="Type">One that has an encoder; the shape's last dimension is a multiple of its block.</param>
/// <param name="Shape">Row-major.</param>
/// <param name="Parts">Each makes some of its rows, of any float dtype, when it is its turn; the writer disposes of them. Together they are all of its numbers.</param>
internal sealed record GgufOutput(string Name, GgmlType Type, long[] Shape, params IReadOnlyList<Func<Tensor>> Parts)
{
    public long Count => Shape.Aggregate(1L, (count, size) => count * size);
    public long Bytes => Type.BytesOf(Count);
}
