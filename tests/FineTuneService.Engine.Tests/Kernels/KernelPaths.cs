using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

/// <summary>What the tests of row kernels share: every width of registers, both dtypes, and columns that do not fill them.</summary>
internal sealed class KernelPaths : IDisposable
{
    private readonly InstructionSet _before = RowLoops.InstructionSet;
    private readonly IDisposable _tensors = NewDisposeScope();

    /// <summary>Kernels run on this path until it is disposed; a test is skipped where the processor has it not.</summary>
    public KernelPaths(string path)
    {
        InstructionSet asked = Enum.Parse<InstructionSet>(path);
        Assert.SkipWhen(asked > RowLoops.Widest, $"the processor has no {path}");
        RowLoops.InstructionSet = asked;
    }

    public static string[] All => Enum.GetNames<InstructionSet>();

    /// <summary>One, less than a register, and a register's multiple less or more one.</summary>
    public static int[] Columns => [1, 7, 63, 65];

    public static TheoryData<string, bool, int> Cases => new MatrixTheoryData<string, bool, int>(All, [false, true], Columns);

    public static ScalarType Dtype(bool bf16) => bf16 ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>Numbers in [-2, 2).</summary>
    public static Tensor Draw(ulong stream, ScalarType dtype, params long[] shape) =>
        tensor(new CounterRandom(7, stream).Uniform(shape.Aggregate((a, b) => a * b), -2, 2)).view(shape).to_type(dtype);

    /// <summary>Equal but for the last bits: of fp32 by another order of sums, of bf16 by one rounding the other way.</summary>
    public static void Equal(Tensor reference, Tensor made)
    {
        double largest = Wide(reference).abs().max().item<float>(), difference = (Wide(made) - Wide(reference)).abs().max().item<float>();
        double allowed = (made.dtype == ScalarType.BFloat16 ? 1.0 / 128 : 4e-6) * largest + 1e-7;
        Assert.True(difference <= allowed, $"{difference} where {allowed} is allowed");
    }

    public void Dispose()
    {
        RowLoops.InstructionSet = _before;
        _tensors.Dispose();
    }

    private static Tensor Wide(Tensor values) => values.to_type(ScalarType.Float32);
}
