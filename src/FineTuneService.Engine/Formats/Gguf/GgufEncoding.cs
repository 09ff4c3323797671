using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>Writes a tensor's numbers in its ggml type, some rows at a time.</summary>
internal static class GgufEncoding
{
    private const long PieceElements = 1 << 20;

    public static void Write(Stream file, GgufOutput tensor)
    {
        if (tensor.Count == 0) return;
        foreach (Func<Tensor> part in tensor.Parts) Write(file, tensor, part);
    }

    private static void Write(Stream file, GgufOutput tensor, Func<Tensor> part)
    {
        using var scope = NewDisposeScope();
        Tensor values = part();
        long columns = tensor.Shape.Length == 0 ? 1 : tensor.Shape[^1];
        if (values.numel() != tensor.Count / tensor.Parts.Count || (values.dim() > 0 && values.shape[^1] != columns))
            throw new ArgumentException($"{tensor.Name} has shape [{string.Join(", ", values.shape)}] in {tensor.Parts.Count} parts, not [{string.Join(", ", tensor.Shape)}]");
        values = values.reshape(-1, columns);
        long rows = values.shape[0], most = Math.Clamp(PieceElements / columns, 1, rows);
        for (long first = 0; first < rows; first += most)
        {
            using var piece = NewDisposeScope();
            Tensor some = values.narrow(0, first, Math.Min(most, rows - first)).cpu();
            file.Write(Plain(tensor.Type) is { } dtype ? some.to_type(dtype).contiguous().bytes : Encode(tensor.Type, some.to_type(ScalarType.Float32).contiguous()));
        }
    }

    /// <summary>The dtype that is the ggml type, where one is.</summary>
    private static ScalarType? Plain(GgmlType type) => type.Name switch
    {
        "F32" => ScalarType.Float32,
        "F16" => ScalarType.Float16,
        "BF16" => ScalarType.BFloat16,
        _ => null,
    };

    private static byte[] Encode(GgmlType type, Tensor rows)
    {
        (int count, int columns) = ((int)rows.shape[0], (int)rows.shape[1]);
        int rowBytes = (int)type.BytesOf(columns);
        var blocks = new byte[count * rowBytes];
        float[] values = MemoryMarshal.Cast<byte, float>(rows.bytes).ToArray();
        Parallel.For(0, count, row => type.EncodeAll(values.AsSpan(row * columns, columns), blocks.AsSpan(row * rowBytes, rowBytes)));
        return blocks;
    }
}
