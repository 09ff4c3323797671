using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Lora;

/// <summary>
/// Where the matrices of an adapter lie in its one contiguous buffer. It follows from the model's shape and the config alone, so
/// all adapters of one shape share it, and what an adapter holds can be counted before it exists.
/// </summary>
internal sealed class LoraLayout
{
    private LoraLayout(IReadOnlyList<LoraLayoutEntry> entries, long length) => (Entries, Length) = (entries, length);

    /// <summary>One for each targeted linear layer of the decoder; layers that are one product (q, k, v; gate, up) are one entry.</summary>
    public IReadOnlyList<LoraLayoutEntry> Entries { get; }

    /// <summary>Elements of the buffer: the adapter's parameters.</summary>
    public long Length { get; }

    /// <summary>Every part's A and B, each with its own place in the buffer.</summary>
    public IEnumerable<LoraMatrix> Matrices
    {
        get
        {
            foreach (LoraLayoutEntry entry in Entries)
            {
                long a = entry.Offset, b = entry.Offset + entry.LengthOfA;
                foreach (LinearPart part in entry.Parts)
                {
                    yield return new LoraMatrix(part.Module, "A", a, entry.Rank, entry.In);
                    yield return new LoraMatrix(part.Module, "B", b, part.Out, entry.Rank);
                    a += (long)entry.Rank * entry.In;
                    b += (long)part.Out * entry.Rank;
                }
            }
        }
    }

    /// <param name="linears">The decoder's linear layers in order, as it joins them.</param>
    /// <exception cref="ArgumentException">A target matches no layer, or the rank is out of range.</exception>
    public static LoraLayout Of(IEnumerable<LinearSlot> linears, LoraConfig config)
    {
        var targets = new TargetModules(config.TargetModules);
        LoraLayout layout = Of(linears, config.Rank, targets);
        targets.RequireAllMatched();
        return layout;
    }

    /// <summary>The same of those targets that the model has; there may be none.</summary>
    public static LoraLayout OfMatching(IEnumerable<LinearSlot> linears, LoraConfig config) => Of(linears, config.Rank, new TargetModules(config.TargetModules));

    private static LoraLayout Of(IEnumerable<LinearSlot> linears, int rank, TargetModules targets)
    {
        if (rank is < 1 or > LoraConfig.LargestRank) throw new ArgumentException($"rank {rank} is not in 1…{LoraConfig.LargestRank}");
        var entries = new List<LoraLayoutEntry>();
        long offset = 0;
        foreach (LinearSlot linear in linears)
        {
            if (linear is { StaysDense: true, IsHead: false }) continue; // A router's choice is the base's.
            LinearPart[] parts = [.. linear.Parts.Where(part => targets.Match(part.Module))];
            if (parts.Length == 0) continue;
            var entry = new LoraLayoutEntry(linear.Parts[0].Module, linear.In, rank, parts, offset);
            entries.Add(entry);
            offset += entry.Length;
        }
        return new LoraLayout(entries, offset);
    }
}

/// <summary>One matrix [<paramref name="Rows"/>, <paramref name="Columns"/>] of an adapter.</summary>
/// <param name="Name">A or B.</param>
/// <param name="Offset">First element in the adapter's buffer.</param>
internal sealed record LoraMatrix(string Module, string Name, long Offset, long Rows, long Columns);

/// <summary>The matrices of one joined layer: every part's A [rank, in] one after the other, then every part's B [out, rank].</summary>
/// <param name="Key">Module of the joined layer's first part, targeted or not.</param>
/// <param name="Offset">First element in the adapter's buffer.</param>
internal sealed record LoraLayoutEntry(string Key, int In, int Rank, IReadOnlyList<LinearPart> Parts, long Offset)
{
    public long LengthOfA => (long)Parts.Count * Rank * In;

    public long Length => LengthOfA + Rank * Parts.Sum(part => (long)part.Out);
}
