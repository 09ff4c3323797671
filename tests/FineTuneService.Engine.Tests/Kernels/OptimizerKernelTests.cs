using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.References;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

/// <summary>The optimizers' kernels, each on every path against its reference in torch's operators, over four updates.</summary>
public sealed class OptimizerKernelTests
{
    /// <summary>The last is several chunks.</summary>
    public static TheoryData<string, bool, int> Cases =>
        new MatrixTheoryData<string, bool, int>(KernelPaths.All, [false, true], [.. KernelPaths.Columns, 70_001]);

    // As bf16 holds them: libtorch rounds a factor to its tensor's dtype, the kernel does not.
    private const double Rate = 1.0 / 64, Beta1 = 0.875, Beta2 = 1 - 1.0 / 64, Epsilon = 1e-8, WeightDecay = 0.5;

    [Theory, MemberData(nameof(Cases))]
    public void AdamW_EveryPath_EqualsReference(string path, bool bf16, int count) => Adam(path, bf16, count, decoupled: true);

    [Theory, MemberData(nameof(Cases))]
    public void Adam_EveryPath_EqualsReference(string path, bool bf16, int count) => Adam(path, bf16, count, decoupled: false);

    [Theory, MemberData(nameof(Cases))]
    public void Sgd_EveryPath_EqualsReference(string path, bool bf16, int count)
    {
        foreach (float? nesterov in new float?[] { null, 0.875f })
        {
            SgdRates Rates(int step) => new((float)Rate, 0.5f, step == 1 ? 0 : 0.875f, nesterov);
            Compare(path, bf16, count, 1, (values, gradients, state, step) => SgdReference.Step(values, gradients, state[0], Rates(step)),
                (values, gradients, state, step) => SgdKernel.Step(values, gradients, state[0], Rates(step)));
        }
        Compare(path, bf16, count, 0, (values, gradients, _, _) => SgdReference.Step(values, gradients, null, new((float)Rate, 0.5f, 0, null)),
            (values, gradients, _, _) => SgdKernel.Step(values, gradients, null, new((float)Rate, 0.5f, 0, null)));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Lion_EveryPath_EqualsReference(string path, bool bf16, int count)
    {
        LionRates rates = LionRates.Of(Rate, Beta1, Beta2, WeightDecay);
        Compare(path, bf16, count, 1, (values, gradients, state, _) => LionReference.Step(values, gradients, state[0], rates),
            (values, gradients, state, _) => LionKernel.Step(values, gradients, state[0], rates));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Adam8Bit_EveryPath_EqualsReference(string path, bool bf16, int count)
    {
        using var on = new KernelPaths(path);
        (BlockCodes Mean, BlockCodes Square) wanted = (Codes(DynamicCode.Signed, count), Codes(DynamicCode.Unsigned, count));
        (BlockCodes Mean, BlockCodes Square) made = (Codes(DynamicCode.Signed, count), Codes(DynamicCode.Unsigned, count));
        Tensor values = KernelPaths.Draw(1, KernelPaths.Dtype(bf16), count), same = values.clone();
        for (int step = 1; step <= 4; step++)
        {
            AdamRates rates = AdamRates.Of(Rate, Beta1, Beta2, Epsilon, WeightDecay, step);
            Tensor gradients = KernelPaths.Draw(10 + (ulong)step, KernelPaths.Dtype(bf16), count);
            Adam8BitReference.Step(values, gradients, wanted.Mean, wanted.Square, rates);
            Adam8BitKernel.Step(same, gradients, made.Mean, made.Square, rates);
            Equal(wanted.Mean, made.Mean);
            Equal(wanted.Square, made.Square);
        }
        KernelPaths.Equal(values, same);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Lion8Bit_EveryPath_EqualsReference(string path, bool bf16, int count)
    {
        using var on = new KernelPaths(path);
        BlockCodes wanted = Codes(DynamicCode.Signed, count), made = Codes(DynamicCode.Signed, count);
        Tensor values = KernelPaths.Draw(1, KernelPaths.Dtype(bf16), count), same = values.clone();
        LionRates rates = LionRates.Of(Rate, Beta1, Beta2, WeightDecay);
        for (int step = 1; step <= 4; step++)
        {
            Tensor gradients = KernelPaths.Draw(10 + (ulong)step, KernelPaths.Dtype(bf16), count);
            Lion8BitReference.Step(values, gradients, wanted, rates);
            Lion8BitKernel.Step(same, gradients, made, rates);
            Equal(wanted, made);
        }
        KernelPaths.Equal(values, same);
    }

    [Fact]
    public void Lion_GradientsOfZero_DoNotStep()
    {
        using var scope = NewDisposeScope();
        Tensor values = KernelPaths.Draw(1, ScalarType.Float32, 40), before = values.clone();
        LionKernel.Step(values, zeros(40), zeros(40), LionRates.Of(Rate, Beta1, Beta2, 0));
        Assert.True(values.Equals(before));
    }

    private static void Adam(string path, bool bf16, int count, bool decoupled)
    {
        AdamRates Rates(int step) => AdamRates.Of(Rate, Beta1, Beta2, Epsilon, WeightDecay, step, decoupled);
        Compare(path, bf16, count, 2, (values, gradients, state, step) => AdamReference.Step(values, gradients, state[0], state[1], Rates(step)),
            (values, gradients, state, step) => AdamKernel.Step(values, gradients, state[0], state[1], Rates(step)));
    }

    private static void Compare(
        string path, bool bf16, int count, int states, Action<Tensor, Tensor, Tensor[], int> reference, Action<Tensor, Tensor, Tensor[], int> kernel)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor[] State() => [KernelPaths.Draw(1, dtype, count), .. Enumerable.Range(0, states).Select(_ => zeros(count, dtype: dtype))];
        Tensor[] wanted = State(), made = State();
        for (int step = 1; step <= 4; step++)
        {
            Tensor gradients = KernelPaths.Draw(10 + (ulong)step, dtype, count);
            reference(wanted[0], gradients, wanted[1..], step);
            kernel(made[0], gradients, made[1..], step);
        }
        for (int i = 0; i < wanted.Length; i++) KernelPaths.Equal(wanted[i], made[i]);
    }

    private static BlockCodes Codes(DynamicCode code, int count) =>
        new(zeros(count, ScalarType.Byte), zeros(BlockCodes.Blocks(count)), new CodeBook(code.Values));

    /// <summary>A sum that rounds the other way may move a code to its neighbour; hardly any do.</summary>
    private static void Equal(BlockCodes wanted, BlockCodes made)
    {
        KernelPaths.Equal(wanted.Absmax, made.Absmax);
        Tensor moved = (wanted.Codes.to_type(ScalarType.Int32) - made.Codes.to_type(ScalarType.Int32)).abs();
        Assert.True(moved.max().item<int>() <= 1);
        Assert.True(moved.sum().item<long>() <= wanted.Codes.numel() / 1000, $"{moved.sum().item<long>()} codes are others");
    }
}
