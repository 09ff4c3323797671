using System.Runtime.InteropServices;

namespace TorchSharp.Tests;

public sealed class ErrorTests
{
    [Fact]
    public void Mm_OfShapesThatDoNotFit_SaysWhatLibtorchSays()
    {
        var error = Assert.Throws<ExternalException>(() => zeros(2, 3).mm(zeros(2, 3)));
        Assert.Equal("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", error.Message);
    }

    [Fact]
    public void InPlaceOperators_AndProperties_ThrowToo()
    {
        Assert.Contains("must match", Assert.Throws<ExternalException>(() => zeros(2).add_(zeros(3))).Message, StringComparison.Ordinal);
        Assert.Contains("out of range", Assert.Throws<ExternalException>(() => zeros(2).size(5)).Message, StringComparison.Ordinal);
        Assert.Contains("does not require grad", Assert.Throws<ExternalException>(() => zeros(1).backward()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Operator_AfterAFailure_Works()
    {
        _ = Assert.Throws<ExternalException>(() => zeros(2).view(3));
        Expect.Holds(ones(2) + 1, 2, 2);
    }

    [Fact]
    public void Errors_AreEachThreadsOwn()
    {
        Parallel.For(0, 64, i =>
        {
            var error = Assert.Throws<ExternalException>(() => zeros(i + 1).view(i + 2));
            Assert.Contains($"size {i + 1}", error.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void DisposedTensor_WhenUsed_IsRefused()
    {
        var x = zeros(1);
        x.Dispose();
        x.Dispose();
        _ = Assert.Throws<InvalidOperationException>(() => x + 1);
        _ = Assert.Throws<InvalidOperationException>(() => x.shape);
    }
}
