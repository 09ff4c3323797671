namespace FineTuneService.Engine.Generation;

/// <summary>Lets an answer's text through, except what may still become a stop string.</summary>
internal sealed class StopStrings(IReadOnlyList<string> stops)
{
    private string _held = "";

    /// <summary>A stop string has come.</summary>
    public bool Found { get; private set; }

    /// <summary>The text that is certain to be part of the answer.</summary>
    public string Add(string text)
    {
        if (stops.Count == 0) return text;
        _held += text;
        int stop = stops.Select(s => _held.IndexOf(s, StringComparison.Ordinal)).Where(at => at >= 0).DefaultIfEmpty(-1).Min();
        if (stop >= 0)
        {
            Found = true;
            return Take(stop);
        }
        return Take(_held.Length - LongestStart());
    }

    /// <summary>What was held back, where the answer ends without a stop string.</summary>
    public string Rest() => Found ? "" : Take(_held.Length);

    private string Take(int length)
    {
        string text = _held[..length];
        _held = _held[length..];
        return text;
    }

    /// <summary>Characters at the end of the text that a stop string begins with.</summary>
    private int LongestStart()
    {
        for (int length = Math.Min(_held.Length, stops.Max(s => s.Length) - 1); length > 0; length--)
        {
            string end = _held[^length..];
            if (stops.Any(s => s.StartsWith(end, StringComparison.Ordinal))) return length;
        }
        return 0;
    }
}
