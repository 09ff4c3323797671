using System.Diagnostics;

namespace TorchSharp.Tests;

public sealed class LeakTests
{
    [Fact]
    public void TenThousandOperations_InScopes_LeaveCountAndMemoryAsTheyWere()
    {
        Work(500);
        var (memory, count) = (ResidentBytes(), Tensor.TotalCount);
        Work(10_000);
        Assert.Equal(count, Tensor.TotalCount);
        Assert.InRange(ResidentBytes() - memory, long.MinValue, 16 << 20);
    }

    [Fact]
    public void Failures_LeaveCountAndMemoryAsTheyWere()
    {
        // Few, since libtorch takes milliseconds for each one's stack trace, which it always makes.
        var (x, y) = (zeros(2, 3), zeros(2, 3));
        Fail(50);
        var (memory, count) = (ResidentBytes(), Tensor.TotalCount);
        Fail(200);
        Assert.Equal(count, Tensor.TotalCount);
        Assert.InRange(ResidentBytes() - memory, long.MinValue, 4 << 20);

        void Fail(int times)
        {
            for (var i = 0; i < times; i++)
                _ = Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => x.mm(y));
        }
    }

    [Fact]
    public void Finalizers_FreeTensorsThatNobodyDisposed()
    {
        var before = Tensor.TotalCount;
        Drop();
        for (var i = 0; i < 50 && Tensor.TotalCount > before; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.InRange(Tensor.TotalCount, 0, before);

        static void Drop()
        {
            for (var i = 0; i < 100; i++)
                _ = zeros(1000);
        }
    }

    /// <summary>Every way a tensor comes about: operators, views, lists, pairs, data, gradients, generators.</summary>
    private static void Work(int times)
    {
        float[] values = new float[4096];
        for (var i = 0; i < times; i++)
        {
            using var scope = NewDisposeScope();
            var x = tensor(values, [64, 64]).requires_grad_();
            var y = x.mm(x.t()).add(1).softmax(-1);
            y.sum().backward();
            _ = x.grad;
            _ = y[0, ..2];
            _ = y.split(16);
            _ = y.topk(2);
            _ = y.mean().item<float>();
            using var generator = new Generator(1);
            _ = cat([y, rand(64, 64, generator: generator)]);
        }
    }

    /// <summary>After the collector has freed what it can, so that other tests' leavings and its own spare room do not count.</summary>
    private static long ResidentBytes()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
