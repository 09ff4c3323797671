using FineTuneService.Engine.Formats;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>A GGUF file's own blocks; a tensor that is not stored in blocks is dense.</summary>
internal sealed record StoredFormat : WeightFormat
{
    private static readonly DenseFormat s_dense = new();

    public override WeightFormat OfTables => this;

    public override WeightMatrix Encode(Tensor values, ScalarType compute) => s_dense.Encode(values, compute);

    public override WeightMatrix Encode(ITensorSource source, IReadOnlyList<string> names, ScalarType compute) =>
        names.Any(name => IsInBlocks(source.Find(name)!)) ? JoinedMatrix.Of([.. names.Select(name => Encode(source, name, compute))]) : s_dense.Encode(source, names, compute);

    /// <summary>What a tensor that is not stored in blocks takes: the most that it can be.</summary>
    public override long BytesOf(long rows, long columns, ScalarType compute) => s_dense.BytesOf(rows, columns, compute);

    public override long BytesOf(StoredTensor stored, ScalarType compute) => IsInBlocks(stored) ? stored.Bytes : base.BytesOf(stored, compute);

    private static WeightMatrix Encode(ITensorSource source, string name, ScalarType compute)
    {
        StoredTensor stored = source.Find(name)!;
        if (!IsInBlocks(stored)) return s_dense.Encode(source, [name], compute);
        using Tensor blocks = source.Blocks(name);
        return new GgmlMatrix(blocks.clone(), stored.Ggml!, compute);
    }

    private static bool IsInBlocks(StoredTensor stored) => stored.Ggml is { Values: > 1 };
}
