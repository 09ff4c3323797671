using FineTuneService.Engine.Generation.Schemas.Formulas;
using FineTuneService.Engine.Generation.Schemas.Texts;

namespace FineTuneService.Engine.Generation.Schemas.Shapes;

/// <summary>The automata of a formula's atoms on texts, each once, and whether the formula holds by the states that they end in.</summary>
internal sealed class TextAutomata
{
    private readonly Dictionary<string, int> _places = [];

    public List<TextAutomaton> All { get; } = [];

    public int Add(string key, Func<TextAutomaton> make)
    {
        if (_places.TryGetValue(key, out int place)) return place;
        All.Add(make());
        return _places[key] = All.Count - 1;
    }

    /// <param name="typed">Of texts only.</param>
    public void Add(Formula typed)
    {
        switch (typed)
        {
            case TextIn text:
                Add(text.Key, text.Make);
                break;
            case LengthIn length:
                Add($"length:{length.Least},{length.Most}", () => new LengthAutomaton(length.Least, length.Most));
                break;
            case AllOf or AnyOf:
                foreach (Formula part in typed is AllOf all ? all.Parts : ((AnyOf)typed).Parts) Add(part);
                break;
        }
    }

    /// <param name="states">Of each automaton.</param>
    public bool Holds(Formula typed, int[] states) => typed switch
    {
        TextIn text => Accepts(text.Key, states) != text.Negated,
        LengthIn length => Accepts($"length:{length.Least},{length.Most}", states),
        AllOf all => all.Parts.All(part => Holds(part, states)),
        AnyOf any => any.Parts.Any(part => Holds(part, states)),
        KindIs kinds => kinds.Kinds != Kinds.None,
        _ => throw new NotSupportedException(typed.ToString()),
    };

    private bool Accepts(string key, int[] states)
    {
        int place = _places[key];
        return states[place] != TextAutomaton.Dead && All[place].Accepts(states[place]);
    }
}
