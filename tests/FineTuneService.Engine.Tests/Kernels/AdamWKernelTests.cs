using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class AdamWKernelTests
{
    /// <summary>The last is several chunks.</summary>
    public static TheoryData<string, bool, int> Cases =>
        new MatrixTheoryData<string, bool, int>(KernelPaths.All, [false, true], [.. KernelPaths.Columns, 70_001]);

    // As bf16 holds them: libtorch 1.13 rounds a factor to its tensor's dtype, the kernel does not.
    private const double Rate = 1.0 / 64, Beta1 = 0.875, Beta2 = 1 - 1.0 / 64, Epsilon = 1e-8, WeightDecay = 0.5;

    [Theory, MemberData(nameof(Cases))]
    public void Step_EveryPath_EqualsReference(string path, bool bf16, int count)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor[] State() => [KernelPaths.Draw(1, dtype, count), zeros(count, dtype: dtype), zeros(count, dtype: dtype)];
        Tensor[] wanted = State(), made = State();
        for (int step = 1; step <= 4; step++)
        {
            Tensor gradients = KernelPaths.Draw(10 + (ulong)step, dtype, count);
            AdamWReference.Step(wanted[0], gradients, wanted[1], wanted[2], AdamWKernel.Rates.Of(Rate, Beta1, Beta2, Epsilon, WeightDecay, step));
            AdamWKernel.Step(made[0], gradients, made[1], made[2], Rate, Beta1, Beta2, Epsilon, WeightDecay, step);
        }
        for (int i = 0; i < wanted.Length; i++) KernelPaths.Equal(wanted[i], made[i]);
    }
}
