using System.Net.Sockets;
using System.Text.RegularExpressions;
using FineTuneService.Data;
using Microsoft.Extensions.Options;

namespace FineTuneService.Hosting;

/// <summary>Says in a sentence why the service did not start, instead of a stack trace.</summary>
internal static partial class StartFault
{
    /// <summary>The sentence; null for a bug, whose stack trace is wanted.</summary>
    public static string? Explain(Exception failure) => failure switch
    {
        StartException fault => fault.Message,
        OptionsValidationException invalid => string.Join(' ', invalid.Failures),
        _ when Configuration().Match(failure.Message) is { Success: true } unread =>
            $"{unread.Groups[1].Value} cannot be read: {Innermost(failure)} Mend the file, or delete it: every option can also come from the environment.",
        _ when Unconvertible().Match(failure.Message) is { Success: true } bad => Unusable(bad),
        _ when Level().Match(failure.Message) is { Success: true } level =>
            $"Logging:LogLevel has the value '{Errors.Clip(level.Groups[1].Value)}', which is none of {string.Join(", ", Enum.GetNames<LogLevel>())}.",
        _ when failure.StackTrace?.Contains("Server.Kestrel", StringComparison.Ordinal) == true => CannotListen(failure),
        _ when StorageFaults.Of(failure) == StorageFault.Full =>
            "The disk that holds FineTune:DataDirectory is full; free some space, or name another folder.",
        _ when StorageFaults.Of(failure) is not null => $"FineTuneService cannot start: {Innermost(failure)}",
        IOException or UnauthorizedAccessException or InvalidOperationException or InvalidDataException or FormatException or SocketException =>
            $"FineTuneService cannot start: {Innermost(failure)}",
        _ => null,
    };

    private static string Unusable(Match bad)
    {
        string wanted = bad.Groups[3].Value switch
        {
            "System.Boolean" => "true or false",
            "System.Double" or "System.Single" => "a number",
            var type when type.StartsWith("System.Int", StringComparison.Ordinal) => "a whole number",
            _ => "a value that it can take",
        };
        return $"{bad.Groups[2].Value} is '{Errors.Clip(bad.Groups[1].Value)}', which is not {wanted}; appsettings.json lists every option with its default.";
    }

    private static string CannotListen(Exception failure)
    {
        const string advice = "set ASPNETCORE_URLS to another address, such as http://127.0.0.1:5000.";
        return Bound().Match(failure.Message) is { Success: true } taken
            ? $"{taken.Groups[1].Value} is in use by another program; end it, or {advice}"
            : $"The service cannot listen where ASPNETCORE_URLS (or ASPNETCORE_HTTP_PORTS) says: {Innermost(failure)} Mend it, or {advice}";
    }

    /// <summary>The cause's own words, as one sentence.</summary>
    private static string Innermost(Exception failure)
    {
        while (failure.InnerException is { } inner) failure = inner;
        if (failure.Message.StartsWith("A path base can only", StringComparison.Ordinal)) return "an address has no path.";
        if (failure is ArgumentOutOfRangeException) return "a port is 0 to 65535.";
        string text = failure.Message.ReplaceLineEndings("\n").Split('\n')[0].Trim();
        return text.EndsWith('.') ? text : text + ".";
    }

    [GeneratedRegex("Failed to load configuration from file '([^']+)'")]
    private static partial Regex Configuration();

    [GeneratedRegex("Failed to convert configuration value '([^']*)' at '([^']+)' to type '([^']+)'", RegexOptions.Singleline)]
    private static partial Regex Unconvertible();

    [GeneratedRegex("^Configuration value '([^']*)' is not supported")]
    private static partial Regex Level();

    [GeneratedRegex("Failed to bind to address (\\S+): address already in use")]
    private static partial Regex Bound();
}
