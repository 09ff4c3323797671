using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Operations;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>
/// Dropout of low-rank branches by counter: whether an element is dropped depends on seed, step, the row's place in the data, the
/// module and the element alone, so the backward and a resumed run draw the same without anything being kept.
/// </summary>
/// <param name="probability">That an element is dropped; the others are scaled by 1 / (1 - probability).</param>
internal sealed class LoraDropout(double probability, ulong seed, BufferPool pool)
{
    /// <summary>The dropout of one micro batch.</summary>
    /// <param name="rows">Each sequence's index in the training data.</param>
    /// <param name="width">Tokens of a padded sequence.</param>
    public Dropout Of(int step, int[] rows, int width) => (module, input, output) =>
    {
        Tensor mask = pool.Lend(input.dtype, input.shape);
        for (int row = 0; row < rows.Length; row++)
        {
            var random = new CounterRandom(seed ^ Hash(module), ((ulong)step << 32) | (uint)rows[row]);
            using Tensor kept = Kept(random, width * input.shape[1]);
            using Tensor rowMask = mask.narrow(0, row * width, width);
            rowMask.copy_(kept.view(rowMask.shape));
        }
        if (!ReferenceEquals(input, output)) output.copy_(input);
        output.mul_(mask);
        pool.Return(mask);
    };

    /// <summary>0 or 1 / (1 - probability) for each element, four of them from each random number.</summary>
    private Tensor Kept(CounterRandom random, long count)
    {
        var kept = new float[count];
        int threshold = (int)Math.Round(probability * 65536);
        float scale = (float)(1 / (1 - probability));
        for (long i = 0; i < count; i += 4)
        {
            ulong bits = random[(ulong)i];
            for (long j = i; j < Math.Min(i + 4, count); j++, bits >>= 16) kept[j] = (int)(bits & 0xFFFF) < threshold ? 0 : scale;
        }
        return tensor(kept);
    }

    /// <summary>FNV-1a, as string hashes differ between processes.</summary>
    private static ulong Hash(string module)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in module) hash = (hash ^ c) * 1099511628211;
        return hash;
    }
}
