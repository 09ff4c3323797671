namespace FineTuneService.Engine.Compute;

/// <summary>
/// Random numbers as a function of (seed, stream, index): whoever asks, in whichever order and on however many threads, gets the
/// same ones, and a resumed run needs no state. SplitMix64's finaliser (https://doi.org/10.1145/2714064.2660195) over the counter.
/// </summary>
internal readonly struct CounterRandom
{
    private const ulong Golden = 0x9E3779B97F4A7C15;
    private readonly ulong _key;

    public CounterRandom(ulong seed, ulong stream) => _key = Mix(Mix(seed + Golden) ^ (stream * Golden));

    /// <summary>64 random bits.</summary>
    public ulong this[ulong index] => Mix(_key + (index + 1) * Golden);

    /// <summary>A number in [0, 1) in steps of 2⁻²⁴.</summary>
    public float Unit(ulong index) => (this[index] >> 40) * (1f / (1 << 24));

    /// <summary><paramref name="count"/> numbers in [low, high), from index 0 on.</summary>
    public float[] Uniform(long count, float low, float high)
    {
        var values = new float[count];
        for (long i = 0; i < count; i++) values[i] = low + (high - low) * Unit((ulong)i);
        return values;
    }

    /// <summary>0…count-1 in random order (Fisher and Yates).</summary>
    public int[] Permutation(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = count - 1; i > 0; i--)
        {
            int j = (int)(this[(ulong)i] % (ulong)(i + 1));
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
