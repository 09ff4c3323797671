namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>
/// CPython's random.Random, as far as few-shot examples need it: the harness draws them with it, and a prompt with other examples is
/// another task. MT19937 (https://doi.org/10.1145/272991.272995), seeded by init_by_array.
/// </summary>
internal sealed class PythonRandom
{
    private const int Words = 624, Shift = 397;

    private readonly uint[] _state = new uint[Words];
    private int _next = Words;

    public PythonRandom(uint seed)
    {
        Fill(19650218);
        int i = 1;
        for (int left = Words; left > 0; left--)
        {
            _state[i] = (_state[i] ^ (Scrambled(i) * 1664525)) + seed; // The key has one word, so its index is always 0.
            i = Following(i);
        }
        for (int left = Words - 1; left > 0; left--)
        {
            _state[i] = (_state[i] ^ (Scrambled(i) * 1566083941)) - (uint)i;
            i = Following(i);
        }
        _state[0] = 0x80000000;
    }

    /// <summary>random.sample(range(count), size): different numbers below <paramref name="count"/>, in the order in which they are drawn.</summary>
    public int[] Sample(int count, int size)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, count);
        // As CPython has it: a list where that is smaller than a set of what was drawn.
        double set = 21 + (size > 5 ? Math.Pow(4, Math.Ceiling(Math.Log(size * 3) / Math.Log(4))) : 0);
        return count <= set ? FromList(count, size) : FromSet(count, size);
    }

    private int[] FromList(int count, int size)
    {
        int[] pool = [.. Enumerable.Range(0, count)], drawn = new int[size];
        for (int i = 0; i < size; i++)
        {
            int j = Below(count - i);
            drawn[i] = pool[j];
            pool[j] = pool[count - i - 1];
        }
        return drawn;
    }

    private int[] FromSet(int count, int size)
    {
        var drawn = new List<int>();
        while (drawn.Count < size)
        {
            int j = Below(count);
            if (!drawn.Contains(j)) drawn.Add(j);
        }
        return [.. drawn];
    }

    /// <summary>As many bits as the number has, until they are below it.</summary>
    private int Below(int count)
    {
        int bits = 32 - System.Numerics.BitOperations.LeadingZeroCount((uint)count);
        while (true)
        {
            uint drawn = Next() >> (32 - bits);
            if (drawn < count) return (int)drawn;
        }
    }

    private uint Next()
    {
        if (_next == Words) Twist();
        uint y = _state[_next++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C5680;
        y ^= (y << 15) & 0xEFC60000;
        return y ^ (y >> 18);
    }

    private void Twist()
    {
        for (int i = 0; i < Words; i++)
        {
            uint y = (_state[i] & 0x80000000) | (_state[(i + 1) % Words] & 0x7FFFFFFF);
            _state[i] = _state[(i + Shift) % Words] ^ (y >> 1) ^ ((y & 1) == 0 ? 0 : 0x9908B0DF);
        }
        _next = 0;
    }

    private void Fill(uint seed)
    {
        _state[0] = seed;
        for (int i = 1; i < Words; i++) _state[i] = 1812433253 * (_state[i - 1] ^ (_state[i - 1] >> 30)) + (uint)i;
    }

    private uint Scrambled(int i) => _state[i - 1] ^ (_state[i - 1] >> 30);

    private int Following(int i)
    {
        if (i + 1 < Words) return i + 1;
        _state[0] = _state[Words - 1];
        return 1;
    }
}
