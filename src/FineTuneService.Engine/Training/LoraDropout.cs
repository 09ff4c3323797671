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
    public Dropout Of(int step, int[] rows, int width) => (module, input, output, tokens) =>
    {
        int features = (int)input.shape[1];
        var kept = new float[input.numel()];
        ulong seeded = seed ^ Hash(module);
        CounterRandom Row(long row) => new(seeded, ((ulong)step << 32) | (uint)rows[row]);
        if (tokens is null)
        {
            for (int row = 0; row < rows.Length; row++) Fill(Row(row), 0, kept.AsSpan(row * width * features, width * features));
        }
        else
        {
            for (int i = 0; i < tokens.Length; i++) Fill(Row(tokens[i] / width), tokens[i] % width * features, kept.AsSpan(i * features, features));
        }
        Tensor mask = pool.Lend(input.dtype, input.shape);
        using (Tensor drawn = tensor(kept)) mask.copy_(drawn.view(input.shape));
        if (!ReferenceEquals(input, output)) output.copy_(input);
        output.mul_(mask);
        pool.Return(mask);
    };

    /// <summary>0 or 1 / (1 - probability) for each element of a row from the first on, four of them from each random number.</summary>
    private void Fill(CounterRandom random, long first, Span<float> kept)
    {
        int threshold = (int)Math.Round(probability * 65536);
        float scale = (float)(1 / (1 - probability));
        ulong bits = 0;
        for (int i = 0; i < kept.Length; i++)
        {
            long element = first + i;
            int part = (int)(element % 4);
            if (i == 0 || part == 0) bits = random[(ulong)(element - part)] >> (16 * part);
            kept[i] = (int)(bits & 0xFFFF) < threshold ? 0 : scale;
            bits >>= 16;
        }
    }

    /// <summary>FNV-1a, as string hashes differ between processes.</summary>
    private static ulong Hash(string module)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in module) hash = (hash ^ c) * 1099511628211;
        return hash;
    }
}
