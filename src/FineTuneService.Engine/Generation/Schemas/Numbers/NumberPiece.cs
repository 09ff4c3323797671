namespace FineTuneService.Engine.Generation.Schemas.Numbers;

/// <summary>Numbers between two bounds, of which those count that are multiples of <see cref="Step"/> and of none of <see cref="NotSteps"/>.</summary>
/// <param name="Low">Null: none.</param>
/// <param name="LowOpen">The bound itself does not count.</param>
internal sealed record NumberPiece(ExactNumber? Low, bool LowOpen, ExactNumber? High, bool HighOpen, ExactNumber? Step = null)
{
    /// <summary>Multiples that are looked at before an interval counts as empty of others.</summary>
    private const int MostTried = 256;

    public static NumberPiece All { get; } = new(null, false, null, false);

    public IReadOnlyList<ExactNumber> NotSteps { get; init; } = [];

    /// <summary>Every number counts.</summary>
    public bool IsAll => Low is null && High is null && Step is null && NotSteps.Count == 0;

    public bool Contains(ExactNumber value) =>
        (Low is not { } low || value.CompareTo(low) is var below && (below > 0 || (below == 0 && !LowOpen)))
        && (High is not { } high || value.CompareTo(high) is var above && (above < 0 || (above == 0 && !HighOpen)))
        && (Step is not { } step || value.IsMultipleOf(step))
        && NotSteps.All(not => !value.IsMultipleOf(not));

    /// <summary>The numbers that both have.</summary>
    public NumberPiece And(NumberPiece other)
    {
        (ExactNumber? low, bool lowOpen) = Tighter(Low, LowOpen, other.Low, other.LowOpen, 1);
        (ExactNumber? high, bool highOpen) = Tighter(High, HighOpen, other.High, other.HighOpen, -1);
        ExactNumber? step = Step is { } a && other.Step is { } b ? ExactNumber.CommonStep(a, b) : Step ?? other.Step;
        return new NumberPiece(low, lowOpen, high, highOpen, step) { NotSteps = [.. NotSteps.Union(other.NotSteps)] };
    }

    public bool IsEmpty() => !Any(null, false, null, false);

    /// <summary>Whether some number between two bounds counts.</summary>
    public bool Any(ExactNumber? low, bool lowOpen, ExactNumber? high, bool highOpen)
    {
        (low, lowOpen) = Tighter(Low, LowOpen, low, lowOpen, 1);
        (high, highOpen) = Tighter(High, HighOpen, high, highOpen, -1);
        if (low is { } l && high is { } h)
        {
            int order = l.CompareTo(h);
            if (order > 0 || (order == 0 && (lowOpen || highOpen))) return false;
            if (order == 0) return Contains(l);
        }
        if (Step is not { } step) return true; // Multiples that do not count lie apart: between them there are others.
        if (NotSteps.Any(not => step.IsMultipleOf(not))) return false;
        bool down = low is null && high is not null;
        ExactNumber from = down ? high!.Value.Negated() : low ?? new ExactNumber(0, 0);
        bool open = down ? highOpen : low is not null && lowOpen;
        ExactNumber value = from.NextMultiple(step, open);
        for (int tried = 0; tried < MostTried; tried++, value = value.Plus(step))
        {
            ExactNumber candidate = down ? value.Negated() : value;
            if (!down && high is { } end && candidate.CompareTo(end) is var past && (past > 0 || (past == 0 && highOpen))) return false;
            if (Contains(candidate)) return true;
        }
        return false;
    }

    /// <param name="sign">1: the larger bound is tighter, -1: the smaller.</param>
    private static (ExactNumber?, bool) Tighter(ExactNumber? a, bool aOpen, ExactNumber? b, bool bOpen, int sign)
    {
        if (a is not { } x) return (b, bOpen);
        if (b is not { } y) return (a, aOpen);
        int order = x.CompareTo(y) * sign;
        return order == 0 ? (a, aOpen || bOpen) : order > 0 ? (a, aOpen) : (b, bOpen);
    }
}
