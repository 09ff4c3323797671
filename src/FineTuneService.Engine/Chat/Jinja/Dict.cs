using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Python's dict: keeps insertion order; 1, 1.0 and True are one key.</summary>
internal sealed class Dict : IEnumerable<KeyValuePair<object?, object?>>
{
    private readonly OrderedDictionary<object, object?> _items = new(new KeyComparer());

    public int Count => _items.Count;

    public object? this[object? key]
    {
        set => _items[key ?? NoneKey] = value;
    }

    public bool TryGet(object? key, [MaybeNullWhen(false)] out object? value) => _items.TryGetValue(key ?? NoneKey, out value);

    public bool Contains(object? key) => _items.ContainsKey(key ?? NoneKey);

    public List<object?> Keys => [.. this.Select(item => item.Key)];

    public List<object?> Values => [.. _items.Values];

    /// <summary>The pairs as tuples.</summary>
    public List<object?> Items => [.. this.Select(item => new PythonTuple([item.Key, item.Value]))];

    public void Update(Dict other)
    {
        foreach (var (key, value) in other) this[key] = value;
    }

    public IEnumerator<KeyValuePair<object?, object?>> GetEnumerator()
    {
        foreach (var (key, value) in _items) yield return new(ReferenceEquals(key, NoneKey) ? null : key, value);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static readonly object NoneKey = new();

    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public new bool Equals(object? left, object? right) => ReferenceEquals(left, right) || Python.Equal(left, right);

        public int GetHashCode(object key) => key switch
        {
            bool or BigInteger or double => Arithmetic.ToDouble(key).GetHashCode(),
            PythonTuple tuple => tuple.Aggregate(17, (hash, item) => hash * 31 + GetHashCode(item ?? NoneKey)),
            List<object?> or Dict => throw new JinjaError($"unhashable type: '{Python.TypeName(key)}'"),
            _ => key.GetHashCode(),
        };
    }
}
