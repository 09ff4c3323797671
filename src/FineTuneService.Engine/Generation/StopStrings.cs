using System.Text;

namespace FineTuneService.Engine.Generation;

/// <summary>
/// Lets an answer's text through, except what may still become a stop string. The work is some steps a character, however long the
/// stop strings are (Knuth, Morris and Pratt, https://doi.org/10.1137/0206024): it is done on the device's thread.
/// </summary>
internal sealed class StopStrings(IReadOnlyList<string> stops)
{
    private readonly Matcher[] _matchers = [.. stops.Select(stop => new Matcher(stop))];
    private readonly StringBuilder _held = new();

    /// <summary>A stop string has come.</summary>
    public bool Found { get; private set; }

    /// <summary>The text that is certain to be part of the answer.</summary>
    public string Add(string text)
    {
        if (stops.Count == 0) return text;
        foreach (char next in text)
        {
            _held.Append(next);
            int complete = 0;
            foreach (Matcher matcher in _matchers)
            {
                if (matcher.Step(next)) complete = Math.Max(complete, matcher.Length);
            }
            if (complete == 0) continue;
            Found = true;
            return Take(_held.Length - complete);
        }
        return Take(_held.Length - _matchers.Max(matcher => matcher.Matched));
    }

    /// <summary>What was held back, where the answer ends without a stop string.</summary>
    public string Rest() => Found ? "" : Take(_held.Length);

    private string Take(int length)
    {
        string text = _held.ToString(0, length);
        _held.Remove(0, length);
        return text;
    }

    /// <summary>How much of one stop string the text so far ends with.</summary>
    private sealed class Matcher(string stop)
    {
        private readonly int[] _shorter = Borders(stop);

        public int Length => stop.Length;

        public int Matched { get; private set; }

        /// <returns>Whether the stop string is complete.</returns>
        public bool Step(char next)
        {
            while (Matched > 0 && stop[Matched] != next) Matched = _shorter[Matched - 1];
            if (stop[Matched] == next) Matched++;
            return Matched == stop.Length;
        }

        /// <summary>For each start of the stop string, the longest shorter start that it ends with.</summary>
        private static int[] Borders(string stop)
        {
            var borders = new int[stop.Length];
            for (int i = 1, matched = 0; i < stop.Length; borders[i++] = matched)
            {
                while (matched > 0 && stop[matched] != stop[i]) matched = borders[matched - 1];
                if (stop[matched] == stop[i]) matched++;
            }
            return borders;
        }
    }
}
