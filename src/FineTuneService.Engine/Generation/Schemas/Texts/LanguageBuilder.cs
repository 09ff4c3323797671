namespace FineTuneService.Engine.Generation.Schemas.Texts;

/// <summary>Several automata run side by side, made one.</summary>
internal static class LanguageBuilder
{
    /// <param name="label">The label of a text, by each automaton's last state; -1: it is not accepted.</param>
    /// <exception cref="FormatException">It has too many states.</exception>
    public static TextLanguage Build(IReadOnlyList<TextAutomaton> automata, Func<int[], int> label, int least, int most, SchemaBudget budget)
    {
        int[] borders = [.. automata.SelectMany(automaton => automaton.Borders).Concat([0, 0xD800, 0xE000]).Where(border => border <= CodePointSet.Last).Distinct().Order()];
        var states = new List<int[]>();
        var known = new Dictionary<string, int>();
        var next = new List<int>();
        long work = 0;
        StateOf([.. automata.Select(automaton => automaton.Start)]);
        for (int state = 0; state < states.Count; state++)
        {
            if ((long)(state + 1) * borders.Length > SchemaLimits.AutomatonCells) throw new FormatException("has too many states");
            budget.Take(borders.Length * automata.Count / 4 + 1);
            long worked = automata.Sum(automaton => automaton.Work);
            budget.Take((int)Math.Min((worked - work) / 8, int.MaxValue / 2));
            work = worked;
            foreach (int border in borders)
            {
                if (border is >= 0xD800 and < 0xE000)
                {
                    next.Add(-1); // Halves of characters are none.
                    continue;
                }
                var to = new int[automata.Count];
                bool dead = true;
                for (int i = 0; i < to.Length; i++)
                {
                    to[i] = states[state][i] == TextAutomaton.Dead ? TextAutomaton.Dead : automata[i].Next(states[state][i], border);
                    dead &= to[i] == TextAutomaton.Dead;
                }
                next.Add(dead && automata.Count > 0 && label(to) < 0 ? -1 : StateOf(to));
            }
        }
        return new TextLanguage(borders, [.. next], [.. states.Select(label)], least, most);

        int StateOf(int[] tuple)
        {
            string key = string.Join(',', tuple);
            if (known.TryGetValue(key, out int state)) return state;
            known[key] = states.Count;
            states.Add(tuple);
            return states.Count - 1;
        }
    }
}
