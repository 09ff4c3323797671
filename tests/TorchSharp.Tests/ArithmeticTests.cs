namespace TorchSharp.Tests;

public sealed class ArithmeticTests
{
    private static Tensor A => tensor(new[] { 7f, -8f, 9f });

    private static Tensor B => tensor(new[] { 2f, 3f, -4f });

    public static TheoryData<Func<Tensor>, double[]> Cases => new()
    {
        { () => A.add(B), [9, -5, 5] },
        { () => A.add(B, 2), [11, -2, 1] },
        { () => A.add(1, 2), [9, -6, 11] },
        { () => A.sub(B), [5, -11, 13] },
        { () => A.mul(B), [14, -24, -36] },
        { () => A.div(B), [3.5, -8 / 3.0, -2.25] },
        { () => A.div(B, RoundingMode.floor), [3, -3, -3] },
        { () => A.div(B, RoundingMode.trunc), [3, -2, -2] },
        { () => A.div(2, RoundingMode.floor), [3, -4, 4] },
        { () => A.floor_divide(B), [3, -3, -3] },
        { () => A.remainder(B), [1, 1, -3] },
        { () => A.fmod(B), [1, -2, 1] },
        { () => B.pow(2), [4, 9, 16] },
        { () => B.pow(tensor(new[] { 3f, 2f, 1f })), [8, 9, -4] },
        { () => A.addcmul(B, B, 0.5), [9, -3.5, 17] },
        { () => A.addcdiv(A, B, 2), [14, -8 - 16 / 3.0, 4.5] },
        { () => A.lerp(B, full(1, value: 0.5f)), [4.5, -2.5, 2.5] },
        { () => A.maximum(B), [7, 3, 9] },
        { () => A.minimum(B), [2, -8, -4] },
        { () => B.hypot(A), [Math.Sqrt(53), Math.Sqrt(73), Math.Sqrt(97)] },
        { () => A.zeros_like().fill_(3), [3, 3, 3] },
        { () => A.zero_(), [0, 0, 0] },
        { () => A + B, [9, -5, 5] },
        { () => A - B, [5, -11, 13] },
        { () => A * B, [14, -24, -36] },
        { () => A / B, [3.5, -8 / 3.0, -2.25] },
        { () => A % 4, [3, 0, 1] },
        { () => 1 + A, [8, -7, 10] },
        { () => A + 1.5, [8.5, -6.5, 10.5] },
        { () => 10 - A, [3, 18, 1] },
        { () => A - 1L, [6, -9, 8] },
        { () => 2f * A, [14, -16, 18] },
        { () => 12 / B, [6, 4, -3] },
        { () => A / 2, [3.5, -4, 4.5] },
        { () => -A, [-7, 8, -9] },
    };

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void Member_OfTwoVectors_GivesTheirValues(Func<Tensor> member, double[] expected)
    {
        using var scope = NewDisposeScope();
        Expect.Holds(member(), expected);
    }

    [Fact]
    public void Bitwise_OfIntegersAndTruths_WorksOnBits()
    {
        var (a, b) = (tensor(new[] { 6, 5 }), tensor(new[] { 3, 1 }));
        Expect.Holds(a & b, 2, 1);
        Expect.Holds(a | b, 7, 5);
        Expect.Holds(a ^ b, 5, 4);
        Expect.Holds(~a, -7, -6);
        Expect.Holds(a.bitwise_left_shift(b), 48, 10);
        Expect.Holds(a.bitwise_right_shift(b), 0, 2);
        Expect.Holds(tensor(new[] { true, false }).logical_or(tensor(new[] { false, false })), 1, 0);
    }

    [Fact]
    public void Add_OfDifferentTypes_PromotesAsPyTorchDoes()
    {
        Assert.Equal(ScalarType.Float32, (tensor(new[] { 1, 2 }) + 0.5).dtype);
        Assert.Equal(ScalarType.Int32, (tensor(new[] { 1, 2 }) + 1).dtype);
        Assert.Equal(ScalarType.BFloat16, (ones(2, dtype: bfloat16) * 0.5f).dtype);
        Assert.Equal(ScalarType.Float32, (ones(2, dtype: bfloat16) + ones(2)).dtype);
    }

    [Fact]
    public void Copy_IntoAnotherTypeAndShape_ConvertsAndBroadcasts()
    {
        var target = zeros(2, 3, dtype: bfloat16);
        _ = target.copy_(tensor(new[] { 1.0, 2.0, 3.0 }));
        Expect.Holds(target, 1, 2, 3, 1, 2, 3);
    }
}
