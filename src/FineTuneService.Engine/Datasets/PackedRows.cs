using System.Collections;

namespace FineTuneService.Engine.Datasets;

/// <summary>Packed rows over the rows that they are made of: one is put together when it is asked for.</summary>
/// <param name="keepsSequences">Whether the parts stay sequences of their own, or become one.</param>
internal sealed class PackedRows(IReadOnlyList<TrainingRow> rows, IReadOnlyList<IReadOnlyList<PackedPart>> plan, bool keepsSequences) : IReadOnlyList<TrainingRow>
{
    public int Count => plan.Count;

    public TrainingRow this[int index]
    {
        get
        {
            int length = plan[index].Sum(part => part.Length), at = 0;
            int[] ids = new int[length], labels = new int[length];
            foreach (PackedPart part in plan[index])
            {
                TrainingRow row = rows[part.Row];
                row.Ids.AsSpan(part.Start, part.Length).CopyTo(ids.AsSpan(at));
                row.Labels.AsSpan(part.Start, part.Length).CopyTo(labels.AsSpan(at));
                at += part.Length;
            }
            return new TrainingRow(ids, labels) { SequenceLengths = keepsSequences ? [.. plan[index].Select(part => part.Length)] : [length] };
        }
    }

    public IEnumerator<TrainingRow> GetEnumerator()
    {
        for (int i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
