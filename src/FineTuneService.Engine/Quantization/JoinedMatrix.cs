using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>
/// Matrices whose rows are one layer (q, k, v; gate, up) and that cannot be one matrix: quantised each by itself, or in different types. One
/// product with all of them, unless each reads its codes.
/// </summary>
internal sealed class JoinedMatrix : WeightMatrix
{
    private readonly IReadOnlyList<WeightMatrix> _parts;

    private JoinedMatrix(IReadOnlyList<WeightMatrix> parts)
        : base(parts.Sum(part => part.Rows), parts[0].Columns, parts[0].Dtype) => _parts = parts;

    public IReadOnlyList<WeightMatrix> Parts => _parts;

    /// <summary>One matrix with the rows of all, in order; the parts are its own afterwards.</summary>
    public static WeightMatrix Of(IReadOnlyList<WeightMatrix> parts)
    {
        if (parts.Count == 1) return parts[0];
        if (parts.Any(part => part.GetType() != parts[0].GetType()) || parts[0].Join(parts) is not { } whole) return new JoinedMatrix(parts);
        foreach (WeightMatrix part in parts) part.Dispose();
        return whole;
    }

    public override IEnumerable<Tensor> Tensors => _parts.SelectMany(part => part.Tensors);

    public override void Fill(Tensor dense) => EachPart(dense, 0, (part, rows) => part.Fill(rows));

    public override bool ReadsCodes(Tensor x) => _parts.All(part => part.ReadsCodes(x));

    public override void MultiplyCodes(Tensor x, Tensor y) => EachPart(y, 1, (part, columns) => part.MultiplyCodes(x, columns));

    private void EachPart(Tensor whole, int dimension, Action<WeightMatrix, Tensor> act)
    {
        int offset = 0;
        foreach (WeightMatrix part in _parts)
        {
            using Tensor share = whole.narrow(dimension, offset, part.Rows);
            act(part, share);
            offset += part.Rows;
        }
    }
}
