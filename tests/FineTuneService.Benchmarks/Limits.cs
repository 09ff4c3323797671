namespace FineTuneService.Benchmarks;

/// <summary>What a benchmark promises.</summary>
internal static class Limits
{
    /// <summary>Prints the promise and whether it holds.</summary>
    public static bool Holds(string what, bool holds)
    {
        Console.WriteLine($"{(holds ? "holds" : "FAILS"),-6} {what}");
        return holds;
    }
}
