using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class ChunksTests
{
    /// <summary>Fewer chunks than threads, and more than the threads' parts divide evenly, from several threads at once.</summary>
    [Fact]
    public void Run_AnyCount_CallsEachChunkOnce()
    {
        Parallel.For(0, 40, count =>
        {
            var calls = new int[count];
            Chunks.Run(count, chunk => Interlocked.Increment(ref calls[chunk]));
            Assert.All(calls, each => Assert.Equal(1, each));
        });
    }

    [Fact]
    public void Run_ChunkFails_EndsTheOthersAndSaysSo()
    {
        Assert.SkipWhen(Environment.ProcessorCount == 1, "one core runs a plain loop");
        int calls = 0;
        var failure = Assert.Throws<InvalidOperationException>(() => Chunks.Run(9, chunk =>
        {
            Interlocked.Increment(ref calls);
            if (chunk == 4) throw new NotSupportedException("chunk 4");
        }));
        Assert.Equal("chunk 4", failure.InnerException?.Message);
        Assert.Equal(9, calls);
        Run_AnyCount_CallsEachChunkOnce();
    }
}
