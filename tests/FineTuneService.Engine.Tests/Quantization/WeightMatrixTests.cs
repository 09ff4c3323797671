using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Tests.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Quantization;

/// <summary>What every format keeps to.</summary>
public sealed class WeightMatrixTests
{
    private static readonly Dictionary<string, WeightFormat> Formats = new()
    {
        ["dense"] = new DenseFormat(),
        ["fp16"] = new HalfFormat(),
        ["nf4"] = new Nf4Format(Double: false),
        ["nf4 double"] = new Nf4Format(Double: true),
        ["fp4"] = new Fp4Format(Double: false),
        ["fp4 double"] = new Fp4Format(Double: true),
        ["int8"] = new Int8Format(Threshold: 6),
        ["int8, weights only"] = new Int8Format(Threshold: null),
    };

    public static TheoryData<string, bool, int, int> Cases => new MatrixTheoryData<string, bool, int, int>(Formats.Keys, [false, true], [64, 75], [3, 40]);

    [Theory, MemberData(nameof(Cases))]
    public void Multiply_JoinedParts_GivesWhatEachGives(string name, bool bf16, int columns, int tokens)
    {
        using var scope = NewDisposeScope();
        using var pool = new BufferPool(CPU);
        (WeightFormat format, ScalarType dtype) = (Formats[name], KernelPaths.Dtype(bf16));
        Tensor[] values = [KernelPaths.Draw(1, ScalarType.Float32, 19, columns), KernelPaths.Draw(2, ScalarType.Float32, 7, columns)];
        WeightMatrix[] parts = [.. values.Select(part => format.Encode(part, dtype))];
        using WeightMatrix joined = JoinedMatrix.Of([.. values.Select(part => format.Encode(part, dtype))]);
        Assert.Equal((26, columns, dtype), (joined.Rows, joined.Columns, joined.Dtype));
        Assert.Equal(values.Sum(part => format.BytesOf(part.size(0), columns, dtype)), joined.Bytes);
        Assert.Equal(parts.Sum(part => part.Bytes), joined.Bytes);

        Tensor x = KernelPaths.Draw(3, dtype, tokens, columns), bias = KernelPaths.Draw(4, dtype, 26), dy = KernelPaths.Draw(5, dtype, tokens, 26);
        Tensor wanted = cat([.. parts.Select(part => Product(part, x, bias.narrow(0, part == parts[0] ? 0 : 19, part.Rows), pool))], 1);
        KernelPaths.Equal(wanted, Product(joined, x, bias, pool));

        Tensor dense = cat([.. parts.Select(part => part.Dense(pool).clone())]), dx = ones([tokens, columns], dtype);
        joined.MultiplyBackward(dy, dx, beta: 1, pool);
        KernelPaths.Equal(dy.to_type(ScalarType.Float32).mm(dense.to_type(ScalarType.Float32)) + 1, dx);
        foreach (WeightMatrix part in parts) part.Dispose();
    }

    private static Tensor Product(WeightMatrix matrix, Tensor x, Tensor bias, BufferPool pool)
    {
        Tensor y = full([x.size(0), matrix.Rows], float.NaN, x.dtype);
        matrix.Multiply(x, y, pool, bias);
        return y;
    }
}
