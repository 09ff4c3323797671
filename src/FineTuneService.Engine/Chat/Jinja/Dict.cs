using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Python's dict: keeps insertion order; 1, 1.0 and True are one key.</summary>
/// <param name="budget">What hashing and comparing keys takes from.</param>
internal sealed class Dict(Budget budget) : IEnumerable<KeyValuePair<object?, object?>>
{
    private readonly OrderedDictionary<object, object?> _items = new(new KeyComparer(budget));

    public int Count => _items.Count;

    public object? this[object? key]
    {
        set
        {
            budget.AllocateItems(1);
            _items[key ?? NoneKey] = value;
        }
    }

    public bool TryGet(object? key, [MaybeNullWhen(false)] out object? value) => _items.TryGetValue(key ?? NoneKey, out value);

    public bool Contains(object? key) => _items.ContainsKey(key ?? NoneKey);

    public List<object?> Keys => Listed(this.Select(item => item.Key));

    public List<object?> Values => Listed(_items.Values);

    /// <summary>The pairs as tuples.</summary>
    public List<object?> Items => Listed(this.Select(item => new PythonTuple([item.Key, item.Value])));

    public void Update(Dict other)
    {
        foreach (var (key, value) in other) this[key] = value;
    }

    public IEnumerator<KeyValuePair<object?, object?>> GetEnumerator()
    {
        foreach (var (key, value) in _items)
        {
            budget.Step();
            yield return new(ReferenceEquals(key, NoneKey) ? null : key, value);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private List<object?> Listed(IEnumerable<object?> items)
    {
        budget.AllocateItems(Count);
        return [.. items];
    }

    private static readonly object NoneKey = new();

    private sealed class KeyComparer(Budget budget) : IEqualityComparer<object>
    {
        public new bool Equals(object? left, object? right) => Python.Same(left, right, budget);

        public int GetHashCode(object key)
        {
            budget.Step();
            switch (key)
            {
                case string text:
                    budget.Scan(text.Length);
                    return text.GetHashCode();
                case bool or BigInteger or double: return HashOf(key);
                case PythonTuple or ItemGroup: return HashOf((IReadOnlyList<object?>)key);
                case PythonRange range: return range.Count;
                case Undefined: return 1;
                case List<object?> or Dict or DictView: throw new JinjaError($"unhashable type: '{Python.TypeName(key)}'");
                default: return key.GetHashCode();
            }
        }

        // Equal numbers of different types are one key.
        private static int HashOf(object number) => number is double value
            ? double.IsInteger(value) ? new BigInteger(value).GetHashCode() : value.GetHashCode()
            : Numbers.ToInteger(number).GetHashCode();

        private int HashOf(IReadOnlyList<object?> tuple)
        {
            budget.Enter();
            var hash = 17;
            foreach (var item in tuple) hash = (hash * 31) + GetHashCode(item ?? NoneKey);
            budget.Leave();
            return hash;
        }
    }
}
