using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class RotaryKernelTests
{
    private const int Tokens = 100, Positions = 50;

    public static TheoryData<string, bool, int, bool, string> Cases =>
        new MatrixTheoryData<string, bool, int, bool, string>(KernelPaths.All, [false, true], KernelPaths.Columns, [false, true], ["halves", "neighbours", "part", "grouped"]);

    /// <param name="half">Pairs of a head.</param>
    [Theory, MemberData(nameof(Cases))]
    public void Apply_EveryPath_EqualsReference(string path, bool bf16, int half, bool inverse, string kind)
    {
        using var on = new KernelPaths(path);
        Tensor angles = KernelPaths.Draw(1, ScalarType.Float32, Positions, half), cos = angles.cos(), sin = angles.sin();
        var shape = new AttentionShape(1, Tokens, 4, 2, kind == "part" ? 2 * half + 6 : 2 * half, Grouped: kind == "grouped");
        Tensor positions = tensor(Enumerable.Range(0, Tokens).Select(i => (long)(i * 7 % Positions)).ToArray());
        Tensor tokens = KernelPaths.Draw(2, KernelPaths.Dtype(bf16), Tokens, shape.Slots * shape.HeadDim);
        var made = new Guarded(tokens);
        RotaryReference.Apply(tokens, cos, sin, positions, shape, kind == "neighbours", inverse);
        RotaryKernel.Apply(made.Values, cos, sin, positions, shape, kind == "neighbours", inverse);
        made.EqualTo(tokens);
    }
}
