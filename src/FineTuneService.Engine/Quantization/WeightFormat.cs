using FineTuneService.Engine.Formats;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>How a frozen matrix is stored: one small record a format, and one <see cref="WeightMatrix"/> that reads it.</summary>
internal abstract record WeightFormat
{
    /// <summary>A matrix as this format stores it. The values are copied; they may be a file's mapped pages.</summary>
    /// <param name="values">[rows, columns]: fp32, bf16 or fp16.</param>
    /// <param name="compute">Element type of the products: fp32 or bf16. Values are rounded to it first, as transformers loads a model before
    /// bitsandbytes quantises it.</param>
    public abstract WeightMatrix Encode(Tensor values, ScalarType compute);

    /// <summary>The rows of tensors that are one layer, in order (q, k, v).</summary>
    /// <param name="names">Tensors of the source: [rows, columns] each.</param>
    public virtual WeightMatrix Encode(ITensorSource source, IReadOnlyList<string> names, ScalarType compute) => JoinedMatrix.Of([.. names.Select(name =>
    {
        using Tensor values = source.Read(name);
        return Encode(values, compute);
    })]);

    /// <summary>How embedding tables and heads are stored beside matrices in this format, which bitsandbytes never quantises.</summary>
    public virtual WeightFormat OfTables => new DenseFormat();

    /// <summary>Bytes of a matrix of this shape: what <see cref="WeightMatrix.Bytes"/> of it says.</summary>
    /// <param name="compute">Element type of the products.</param>
    public abstract long BytesOf(long rows, long columns, ScalarType compute);

    /// <summary>Bytes of a tensor's matrix.</summary>
    public virtual long BytesOf(StoredTensor stored, ScalarType compute) => BytesOf(stored.Shape[0], stored.Shape[1], compute);
}
