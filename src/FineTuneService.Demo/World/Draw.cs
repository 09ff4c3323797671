namespace FineTuneService.Demo.World;

/// <summary>Random choices that are the same on every machine: SplitMix64, https://prng.di.unimi.it/splitmix64.c.</summary>
public sealed class Draw(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A whole number from 0 to <paramref name="count"/> - 1.</summary>
    public int Below(int count) => (int)(Next() % (ulong)count);

    /// <summary>A whole number from <paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    public int Between(int first, int last) => first + Below(last - first + 1);

    public bool Chance(int percent) => Below(100) < percent;

    public T Of<T>(IReadOnlyList<T> choices) => choices[Below(choices.Count)];

    /// <summary>All of <paramref name="choices"/> in random order (Fisher-Yates).</summary>
    public T[] Shuffle<T>(IEnumerable<T> choices)
    {
        var all = choices.ToArray();
        for (var i = all.Length - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (all[i], all[j]) = (all[j], all[i]);
        }
        return all;
    }

    /// <summary><paramref name="count"/> different ones of <paramref name="choices"/>, in random order.</summary>
    public T[] Some<T>(int count, IEnumerable<T> choices) => Shuffle(choices)[..count];

    private ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
