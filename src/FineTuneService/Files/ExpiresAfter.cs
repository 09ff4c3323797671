using System.Globalization;
using FineTuneService.Hosting;

namespace FineTuneService.Files;

/// <summary>When a file goes by itself.</summary>
public sealed record ExpiresAfter
{
    /// <summary>What OpenAI counts from, the only one.</summary>
    internal const string Created = "created_at";
    private const long Shortest = 3600, Longest = 2_592_000;

    /// <summary>created_at.</summary>
    public required string Anchor { get; init; }

    /// <summary>An hour to 30 days.</summary>
    public required long Seconds { get; init; }

    /// <param name="field">The body's field that holds it.</param>
    internal IResult? Check(string field) => Anchor != Created ? Errors.BadRequest($"{field}.anchor is {Created}.", param: $"{field}.anchor") : CheckSeconds(Seconds, $"{field}.seconds");

    internal static IResult? CheckSeconds(string text) => CheckSeconds(Number(text), "expires_after.seconds");

    internal static long? Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) ? seconds : null;

    private static IResult? CheckSeconds(long? seconds, string field) =>
        seconds is >= Shortest and <= Longest ? null : Errors.BadRequest($"{field} is a whole number from {Shortest} (an hour) to {Longest} (30 days).", param: field);
}
