using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class RotaryKernelTests
{
    private const int Tokens = 100, Heads = 4, Turned = 3, Positions = 50;

    public static TheoryData<string, bool, int, bool> Cases =>
        new MatrixTheoryData<string, bool, int, bool>(KernelPaths.All, [false, true], KernelPaths.Columns, [false, true]);

    /// <param name="half">Pairs of a head.</param>
    [Theory, MemberData(nameof(Cases))]
    public void Apply_EveryPath_EqualsReference(string path, bool bf16, int half, bool inverse)
    {
        using var on = new KernelPaths(path);
        Tensor angles = KernelPaths.Draw(1, ScalarType.Float32, Positions, half), cos = angles.cos(), sin = angles.sin();
        Tensor positions = tensor(Enumerable.Range(0, Tokens).Select(i => (long)(i * 7 % Positions)).ToArray());
        Tensor tokens = KernelPaths.Draw(2, KernelPaths.Dtype(bf16), Tokens, Heads * 2 * half);
        var made = new Guarded(tokens);
        RotaryReference.Apply(tokens, cos, sin, positions, Turned, 2 * half, inverse);
        RotaryKernel.Apply(made.Values, cos, sin, positions, Turned, 2 * half, inverse);
        made.EqualTo(tokens);
    }
}
