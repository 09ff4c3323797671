namespace FineTuneService.Engine.Generation.Schemas.Texts;

/// <summary>A deterministic automaton over code points. States are numbers that it makes as they are met.</summary>
internal abstract class TextAutomaton
{
    /// <summary>From here no text is accepted any more.</summary>
    public const int Dead = -1;

    /// <summary>The first state.</summary>
    public virtual int Start => 0;

    /// <summary>Code points at which a new class begins: within a class all go the same ways.</summary>
    public abstract IReadOnlyCollection<int> Borders { get; }

    /// <param name="state">Not <see cref="Dead"/>.</param>
    public abstract int Next(int state, int codePoint);

    public abstract bool Accepts(int state);

    /// <summary>What its steps have cost so far.</summary>
    public virtual long Work => 0;
}

/// <summary>These words, and no others.</summary>
internal sealed class WordsAutomaton : TextAutomaton
{
    private readonly List<Dictionary<int, int>> _next = [[]];
    private readonly Dictionary<int, int> _words = [];
    private readonly HashSet<int> _borders = [];

    public WordsAutomaton(IReadOnlyList<string> words)
    {
        for (int i = 0; i < words.Count; i++)
        {
            int state = 0;
            foreach (System.Text.Rune rune in words[i].EnumerateRunes())
            {
                if (!_next[state].TryGetValue(rune.Value, out int next))
                {
                    _next[state][rune.Value] = next = _next.Count;
                    _next.Add([]);
                }
                state = next;
                _borders.Add(rune.Value);
                _borders.Add(rune.Value + 1);
            }
            _words[state] = i;
        }
    }

    public override IReadOnlyCollection<int> Borders => _borders;

    public override int Next(int state, int codePoint) => _next[state].TryGetValue(codePoint, out int next) ? next : Dead;

    public override bool Accepts(int state) => _words.ContainsKey(state);

    /// <summary>Which word ends in a state, or -1.</summary>
    public int Word(int state) => state != Dead && _words.TryGetValue(state, out int word) ? word : -1;
}

/// <summary>Texts of so many code points.</summary>
internal sealed class LengthAutomaton(int least, int most) : TextAutomaton
{
    public override IReadOnlyCollection<int> Borders => [];

    public override int Next(int state, int codePoint) => state >= most ? Dead : most == int.MaxValue && state >= least ? state : state + 1;

    public override bool Accepts(int state) => state >= least;
}
