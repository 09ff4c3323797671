namespace FineTuneService.Demo.Client;

/// <summary>What the demo promises, and which of it does not hold.</summary>
internal sealed class Promises
{
    private readonly List<string> _broken = [];

    public IReadOnlyList<string> Broken => _broken;

    /// <summary>How many were looked at.</summary>
    public int Made { get; private set; }

    /// <param name="promise">As it should be, and what was seen instead.</param>
    public void Demand(bool holds, string promise)
    {
        Made++;
        if (!holds)
            _broken.Add(promise);
    }
}
