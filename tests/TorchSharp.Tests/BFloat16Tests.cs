namespace TorchSharp.Tests;

public sealed class BFloat16Tests
{
    [Theory]
    [InlineData(1f)]
    [InlineData(-0.1f)]
    [InlineData(1.00390625f)]
    [InlineData(1.01171875f)]
    [InlineData(3.4e38f)]
    [InlineData(1e-40f)]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void Conversion_FromFloat_RoundsAsLibtorchDoes(float value) =>
        Assert.Equal(tensor(value).to(bfloat16).item<BFloat16>().ToSingle(), new BFloat16(value).ToSingle());

    [Fact]
    public void Arithmetic_RoundsOnceToBfloat16()
    {
        var (a, b) = ((BFloat16)1.5f, (BFloat16)0.0078125f);
        Assert.Equal(1.5078125f, (a + b).ToSingle());
        Assert.Equal(192f, (a / b).ToSingle());
        Assert.True(a > b);
        Assert.Equal(-1.5f, (-a).ToSingle());
        Assert.Equal(BFloat16.One, BFloat16.FromRawValue(0x3F80));
        Assert.True(BFloat16.IsNaN(BFloat16.NaN));
    }
}
