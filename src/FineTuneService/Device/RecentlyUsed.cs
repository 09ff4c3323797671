namespace FineTuneService.Device;

/// <summary>Things by name, made when they are first asked for; those that were asked for longest ago are let go. Safe for several
/// threads at once: one makes a thing, and others that ask for it wait.</summary>
internal sealed class RecentlyUsed<T>(int most)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<(string Name, Lazy<T> Thing)>> _all = [];
    private readonly LinkedList<(string Name, Lazy<T> Thing)> _byUse = new();

    /// <param name="make">What it throws is thrown here; the next who asks tries again.</param>
    public T Get(string name, Func<T> make)
    {
        Lazy<T> thing = Place(name, make);
        try
        {
            return thing.Value;
        }
        catch
        {
            Forget(name);
            throw;
        }
    }

    public void Forget(string name)
    {
        lock (_gate)
        {
            if (_all.Remove(name, out LinkedListNode<(string, Lazy<T>)>? node)) _byUse.Remove(node);
        }
    }

    private Lazy<T> Place(string name, Func<T> make)
    {
        lock (_gate)
        {
            if (_all.TryGetValue(name, out LinkedListNode<(string Name, Lazy<T> Thing)>? node)) _byUse.Remove(node);
            else node = new((name, new Lazy<T>(make)));
            _byUse.AddFirst(node);
            _all[name] = node;
            if (_byUse.Count > most)
            {
                _all.Remove(_byUse.Last!.Value.Name);
                _byUse.RemoveLast();
            }
            return node.Value.Thing;
        }
    }
}
