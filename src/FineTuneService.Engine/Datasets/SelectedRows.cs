using System.Collections;

namespace FineTuneService.Engine.Datasets;

/// <summary>Some of a list's rows, by their places.</summary>
public sealed class SelectedRows(IReadOnlyList<TrainingRow> rows, IReadOnlyList<int> places) : IReadOnlyList<TrainingRow>
{
    public int Count => places.Count;

    public TrainingRow this[int index] => rows[places[index]];

    public IEnumerator<TrainingRow> GetEnumerator() => places.Select(place => rows[place]).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
