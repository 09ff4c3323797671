namespace FineTuneService.Engine.Datasets;

/// <summary>A part of a row that goes into a packed one.</summary>
/// <param name="Row">The row's place among all rows.</param>
/// <param name="Start">The part's first token.</param>
internal readonly record struct PackedPart(int Row, int Start, int Length);

/// <summary>
/// Puts short rows together, so that little of a batch is padding. Rows are planned by the thousand, as TRL does through datasets.map: what
/// goes together does not depend on how long the file is.
/// </summary>
public static class Packing
{
    private const int Batch = 1000;

    /// <param name="capacity">Tokens of a packed row.</param>
    /// <returns>The packed rows, each made when it is asked for.</returns>
    public static IReadOnlyList<TrainingRow> Pack(IReadOnlyList<TrainingRow> rows, int capacity, PackingStrategy strategy) =>
        new PackedRows(rows, Plan([.. rows.Select(row => row.Ids.Length)], capacity, strategy), keepsSequences: strategy != PackingStrategy.Wrapped);

    /// <summary>All rows one behind the other, as a batch without padding has them.</summary>
    public static TrainingRow Join(IReadOnlyList<TrainingRow> rows) =>
        new([.. rows.SelectMany(row => row.Ids)], [.. rows.SelectMany(row => row.LossLabels())]) { SequenceLengths = [.. rows.SelectMany(row => row.SequenceLengths)] };

    /// <summary>What goes into each packed row. Rows without tokens vanish.</summary>
    /// <param name="lengths">Tokens of each row.</param>
    internal static IReadOnlyList<IReadOnlyList<PackedPart>> Plan(IReadOnlyList<int> lengths, int capacity, PackingStrategy strategy)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        var packs = new List<IReadOnlyList<PackedPart>>();
        foreach (int[] rows in Enumerable.Range(0, lengths.Count).Chunk(Batch))
        {
            packs.AddRange(strategy switch
            {
                PackingStrategy.Wrapped => Wrap(rows.Select(row => new PackedPart(row, 0, lengths[row])), capacity),
                PackingStrategy.BestFitSplit => BestFit(rows.SelectMany(row => Split(row, lengths[row], capacity)), capacity),
                _ => BestFit(rows.Select(row => new PackedPart(row, 0, Math.Min(lengths[row], capacity))), capacity),
            });
        }
        return packs;
    }

    /// <summary>The longest first, each into the row with the least room that it fits into; of several, the one that has had that room the longest.</summary>
    private static List<List<PackedPart>> BestFit(IEnumerable<PackedPart> parts, int capacity)
    {
        var packs = new List<List<PackedPart>>();
        var rooms = new SortedSet<int>();
        var withRoom = new Dictionary<int, Queue<List<PackedPart>>>();
        foreach (PackedPart part in parts.Where(part => part.Length > 0).OrderByDescending(part => part.Length))
        {
            int room = capacity;
            List<PackedPart> pack = [];
            if (rooms.Count > 0 && rooms.Max >= part.Length)
            {
                room = rooms.GetViewBetween(part.Length, capacity).Min;
                pack = withRoom[room].Dequeue();
                if (withRoom[room].Count == 0) rooms.Remove(room);
            }
            else packs.Add(pack);
            pack.Add(part);
            room -= part.Length;
            if (room == 0) continue;
            if (!withRoom.TryGetValue(room, out Queue<List<PackedPart>>? queue)) withRoom[room] = queue = new Queue<List<PackedPart>>();
            queue.Enqueue(pack);
            rooms.Add(room);
        }
        return packs;
    }

    private static IEnumerable<PackedPart> Split(int row, int length, int capacity)
    {
        for (int start = 0; start < length; start += capacity) yield return new PackedPart(row, start, Math.Min(capacity, length - start));
    }

    private static IEnumerable<IReadOnlyList<PackedPart>> Wrap(IEnumerable<PackedPart> rows, int capacity)
    {
        var pack = new List<PackedPart>();
        int room = capacity;
        foreach (PackedPart row in rows)
        {
            for (int start = 0; start < row.Length;)
            {
                int length = Math.Min(room, row.Length - start);
                pack.Add(row with { Start = start, Length = length });
                (start, room) = (start + length, room - length);
                if (room > 0) continue;
                yield return pack;
                (pack, room) = ([], capacity);
            }
        }
        if (pack.Count > 0) yield return pack;
    }
}
