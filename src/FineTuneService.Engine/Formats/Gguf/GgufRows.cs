using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>Decodes a tensor's blocks some rows at a time, so that nothing of the tensor's whole size is made.</summary>
internal static class GgufRows
{
    private const long PieceElements = 1 << 20;

    /// <param name="blocks">Bytes [rows, bytes of a row].</param>
    /// <param name="take">Gets the first row's number and the rows in fp32, [n, columns], which it must not keep.</param>
    public static void ForEachPiece(GgufTensor tensor, Tensor blocks, Action<long, Tensor> take)
    {
        if (tensor.Count == 0) return;
        long most = Math.Clamp(PieceElements / tensor.Columns, 1, tensor.Rows);
        using Tensor buffer = empty([most, tensor.Columns], dtype: ScalarType.Float32);
        for (long first = 0; first < tensor.Rows; first += most)
        {
            int count = (int)Math.Min(most, tensor.Rows - first);
            using Tensor values = buffer.narrow(0, 0, count), piece = blocks.narrow(0, first, count);
            Decode(tensor, piece, values);
            take(first, values);
        }
    }

    /// <summary>A row is a unit of work: whoever decodes it, its numbers are the same.</summary>
    private static unsafe void Decode(GgufTensor tensor, Tensor blocks, Tensor values)
    {
        fixed (byte* from = blocks.bytes)
        fixed (byte* to = values.bytes)
        {
            (nint source, nint target, int rowBytes, int columns) = ((nint)from, (nint)to, tensor.RowBytes, (int)tensor.Columns);
            Parallel.For(0, (int)values.shape[0], row => tensor.Type.DecodeAll(
                new ReadOnlySpan<byte>((byte*)source + (long)row * rowBytes, rowBytes),
                new Span<float>((float*)target + (long)row * columns, columns)));
        }
    }
}
