namespace FineTuneService.Engine.Generation.Schemas.Texts;

/// <summary>What can be reached in an automaton's table of [states, classes].</summary>
internal static class LabelReach
{
    /// <summary>For each state the labels of the texts that go through it: bits.</summary>
    public static ulong[][] Of(int[] next, int[] labels, int classes)
    {
        int words = labels.Length == 0 ? 1 : (labels.Max() + 64) / 64 + 1;
        ulong[][] reach = [.. labels.Select(_ => new ulong[words])];
        List<int>[] before = Before(next, labels.Length, classes);
        var open = new Queue<int>();
        for (int state = 0; state < labels.Length; state++)
        {
            if (labels[state] < 0) continue;
            Bits.Set(reach[state], labels[state]);
            open.Enqueue(state);
        }
        while (open.TryDequeue(out int state))
        {
            foreach (int earlier in before[state])
            {
                if (Bits.Join(reach[earlier], reach[state])) open.Enqueue(earlier);
            }
        }
        return reach;
    }

    /// <summary>States from which no character at all leads to where nothing is accepted.</summary>
    public static bool[] Loose(int[] next, int states, int classes, Func<int, bool> passedOver)
    {
        var loose = new bool[states];
        Array.Fill(loose, true);
        List<int>[] before = Before(next, states, classes);
        var open = new Stack<int>(Enumerable.Range(0, states).Where(state => Enumerable.Range(0, classes).Any(c => !passedOver(c) && next[state * classes + c] < 0)));
        while (open.TryPop(out int state))
        {
            if (!loose[state]) continue;
            loose[state] = false;
            foreach (int earlier in before[state]) open.Push(earlier);
        }
        return loose;
    }

    /// <summary>[length, state]: the least length from that one on of which a text is accepted from there; int.MaxValue where there is none.</summary>
    public static int[] LengthsFrom(int[] next, int[] labels, int classes, int longest)
    {
        bool[] exact = Lengths(next, labels, classes, longest);
        var from = new int[exact.Length];
        for (int i = exact.Length - 1; i >= 0; i--) from[i] = exact[i] ? i / labels.Length : i + labels.Length < from.Length ? from[i + labels.Length] : int.MaxValue;
        return from;
    }

    /// <summary>[length, state]: whether a text of just that length is accepted from there.</summary>
    private static bool[] Lengths(int[] next, int[] labels, int classes, int longest)
    {
        int states = labels.Length;
        var lengths = new bool[(longest + 1) * states];
        for (int state = 0; state < states; state++) lengths[state] = labels[state] >= 0;
        for (int length = 1; length <= longest; length++)
        {
            for (int state = 0; state < states; state++)
            {
                for (int c = 0; c < classes && !lengths[length * states + state]; c++)
                    lengths[length * states + state] = next[state * classes + c] is >= 0 and var to && lengths[(length - 1) * states + to];
            }
        }
        return lengths;
    }

    private static List<int>[] Before(int[] next, int states, int classes)
    {
        List<int>[] before = [.. Enumerable.Range(0, states).Select(_ => new List<int>())];
        for (int i = 0; i < next.Length; i++)
        {
            if (next[i] >= 0 && (before[next[i]] is var list) && (list.Count == 0 || list[^1] != i / classes)) list.Add(i / classes);
        }
        return before;
    }
}

/// <summary>Sets of small numbers, as bits.</summary>
internal static class Bits
{
    public static bool Has(ulong[] set, int number) => (set[number >> 6] >> (number & 63) & 1) != 0;

    public static void Set(ulong[] set, int number) => set[number >> 6] |= 1UL << (number & 63);

    public static bool Meet(ulong[] a, ulong[] b)
    {
        for (int i = 0; i < a.Length && i < b.Length; i++)
        {
            if ((a[i] & b[i]) != 0) return true;
        }
        return false;
    }

    /// <returns>Whether it became larger.</returns>
    public static bool Join(ulong[] set, ulong[] other)
    {
        bool larger = false;
        for (int i = 0; i < set.Length; i++)
        {
            larger |= (other[i] & ~set[i]) != 0;
            set[i] |= other[i];
        }
        return larger;
    }
}
