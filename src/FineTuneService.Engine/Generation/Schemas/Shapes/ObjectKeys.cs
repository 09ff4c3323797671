using FineTuneService.Engine.Generation.Schemas.Formulas;
using FineTuneService.Engine.Generation.Schemas.Texts;

namespace FineTuneService.Engine.Generation.Schemas.Shapes;

/// <summary>An object's keys as one language of texts, whose labels are their kinds: a known name's number, then numbers for the others.</summary>
internal sealed class ObjectKeys
{
    private readonly Goals _goals;
    private readonly PropertiesAre[] _properties;
    private readonly SomeProperty[] _wanted;
    private readonly Formula[] _names;
    private readonly List<string> _known = [];
    private readonly TextAutomata _automata = new();
    private readonly WordsAutomaton? _words;
    private readonly Dictionary<string, int> _others = [];
    private readonly Dictionary<int, Formula> _values = [];
    private readonly Dictionary<int, int> _finds = [];
    private bool? _hasMany;

    public ObjectKeys(Goals goals, Atom[] atoms)
    {
        _goals = goals;
        _properties = [.. atoms.OfType<PropertiesAre>()];
        _wanted = [.. atoms.OfType<SomeProperty>()];
        _names = [.. atoms.OfType<NamesAre>().Select(names => goals.Typing.Of(names.Name, Formulas.Kinds.Text))];
        foreach (string name in _properties.SelectMany(p => p.Named.Keys).Concat(atoms.OfType<HasProperty>().Select(has => has.Name)).Concat(_wanted.SelectMany(Words))) if (!_known.Contains(name)) _known.Add(name);
        if (_known.Count > 0) _automata.Add("known", () => new WordsAutomaton(_known));
        _words = _known.Count > 0 ? (WordsAutomaton)_automata.All[0] : null;
        foreach ((TextIn pattern, _) in _properties.SelectMany(p => p.Patterns)) _automata.Add(pattern);
        foreach (Formula name in _names) _automata.Add(name);
        foreach (SomeProperty some in _wanted) _automata.Add(goals.Typing.Of(some.Name, Formulas.Kinds.Text));
        try
        {
            Language = LanguageBuilder.Build(_automata.All, Label, 0, int.MaxValue, goals.Budget);
        }
        catch (FormatException large)
        {
            throw new SchemaException("#", "patternProperties", large.Message);
        }
    }

    public TextLanguage Language { get; }

    /// <summary>Names that have a number of their own.</summary>
    public int Known => _known.Count;

    public int Kinds => _known.Count + _others.Count;

    public bool HasOthers => Enumerable.Range(Known, Kinds - Known).Any(kind => _goals.HasValues(Value(kind)));

    public int IndexOf(string name) => _known.IndexOf(name);

    /// <summary>What the value under such a key is asked.</summary>
    public Formula Value(int kind) => _values.GetValueOrDefault(kind, _goals.Space.False);

    /// <summary>Which of the properties that are wanted such a key may be: bits.</summary>
    public int Wanted(int kind) => _finds.GetValueOrDefault(kind);

    /// <summary>Whether there are so many names besides the known ones that their values may be had.</summary>
    public bool HasManyOthers(int many) => _hasMany ??= HasOthers && Language.HasAtLeast(_known.Count + many);

    private static IEnumerable<string> Words(SomeProperty some) =>
        some.Name is TextIn { Negated: false } text && text.Key.StartsWith("words:", StringComparison.Ordinal) ? text.Key["words:".Length..].Split('\0') : [];

    /// <summary>The kind of a key, by the states that the automata end in; -1 where it may not be.</summary>
    private int Label(int[] states)
    {
        if (!_names.All(name => _automata.Holds(name, states))) return -1;
        int word = _words?.Word(states[0]) ?? -1;
        Formula value = _goals.Space.And(_properties.Select(properties => Value(properties, word < 0 ? null : _known[word], states)));
        if (value == _goals.Space.False) return -1;
        int finds = 0;
        for (int i = 0; i < _wanted.Length; i++) finds |= _automata.Holds(_goals.Typing.Of(_wanted[i].Name, Formulas.Kinds.Text), states) ? 1 << i : 0;
        string key = $"{value.Id}:{finds}";
        int kind = word >= 0 ? word : _others.TryGetValue(key, out int known) ? known : _others[key] = _known.Count + _others.Count;
        (_values[kind], _finds[kind]) = (value, finds);
        return kind;
    }

    private Formula Value(PropertiesAre properties, string? name, int[] states)
    {
        var asked = new List<Formula>();
        if (name is not null && properties.Named.TryGetValue(name, out Formula? named)) asked.Add(named);
        asked.AddRange(properties.Patterns.Where(pattern => _automata.Holds(pattern.Pattern, states)).Select(pattern => pattern.Value));
        return asked.Count == 0 ? properties.Others : _goals.Space.And(asked);
    }
}
