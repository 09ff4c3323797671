using System.Diagnostics.CodeAnalysis;

namespace FineTuneService.Engine.Generation;

/// <summary>
/// A queue in which owners take turns: each gets one item out before any gets its next, however many one of them has put in. An
/// owner's own items keep their order. Not for several threads at once.
/// </summary>
public sealed class TurnQueue<T>
    where T : class
{
    private readonly Dictionary<string, LinkedListNode<Line>> _lines = [];

    /// <summary>Lines that are not empty; the first is next.</summary>
    private readonly LinkedList<Line> _turns = new();

    public int Count { get; private set; }

    /// <param name="turn">Whose item it is.</param>
    public void Enqueue(string turn, T item)
    {
        if (!_lines.TryGetValue(turn, out LinkedListNode<Line>? line)) _lines[turn] = line = _turns.AddLast(new Line(turn, new LinkedList<T>()));
        line.Value.Items.AddLast(item);
        Count++;
    }

    public bool TryDequeue([NotNullWhen(true)] out T? item) => TryDequeue(_ => true, out item);

    /// <summary>Takes the first item that may go, asking for each owner's first one in the order of their turns.</summary>
    public bool TryDequeue(Func<T, bool> mayGo, [NotNullWhen(true)] out T? item)
    {
        for (LinkedListNode<Line>? line = _turns.First; line is not null; line = line.Next)
        {
            if (!mayGo(line.Value.Items.First!.Value)) continue;
            item = line.Value.Items.First.Value;
            line.Value.Items.RemoveFirst();
            Taken(line);
            return true;
        }
        item = null;
        return false;
    }

    /// <returns>Whether it was there.</returns>
    public bool Remove(string turn, T item)
    {
        if (!_lines.TryGetValue(turn, out LinkedListNode<Line>? line) || !line.Value.Items.Remove(item)) return false;
        Count--;
        if (line.Value.Items.Count == 0) Drop(line);
        return true;
    }

    private void Taken(LinkedListNode<Line> line)
    {
        Count--;
        Drop(line);
        if (line.Value.Items.Count > 0) _lines[line.Value.Turn] = _turns.AddLast(line.Value);
    }

    private void Drop(LinkedListNode<Line> line)
    {
        _turns.Remove(line);
        _lines.Remove(line.Value.Turn);
    }

    private sealed record Line(string Turn, LinkedList<T> Items);
}
