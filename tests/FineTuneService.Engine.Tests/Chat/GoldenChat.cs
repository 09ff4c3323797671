using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Tests.Chat;

/// <summary>What the reference cases of chat templates share: a fixed clock, files, and the comparison of outcomes.</summary>
internal static class GoldenChat
{
    public static JsonNode Read(params string[] path) => JsonNode.Parse(File.ReadAllText(Shared.Path(path)))!;

    public static TimeProvider Clock { get; } = new FixedClock();

    /// <summary>Cases are many and small, so one test runs a file's and reports every difference.</summary>
    public sealed class Outcomes(string area)
    {
        private readonly List<string> differences = [];
        private readonly SortedSet<string> missing = new(StringComparer.Ordinal);
        private int passed;

        /// <param name="error">The reference's error message, where it refused.</param>
        public void Compare(string name, string? expected, JsonNode? error, Func<string> render)
        {
            string actual;
            try
            {
                actual = render();
            }
            catch (ChatTemplateException refused)
            {
                if (refused.Feature is not null && error is null) missing.Add(refused.Feature);
                else if (error is null) differences.Add($"{name}: {refused.Message}\n  expected {Quote(expected)}");
                else if ((string?)error["type"] == "TemplateError" && refused.Reason != (string?)error["message"])
                    differences.Add($"{name}: refused with {Quote(refused.Reason)}\n  expected {error["message"]}");
                else passed++;
                return;
            }
            if (error is not null) differences.Add($"{name}: rendered {Quote(actual)}\n  expected the error {error["message"]}");
            else if (actual != expected) differences.Add($"{name}: {Quote(actual)}\n  expected {Quote(expected)}");
            else passed++;
        }

        /// <summary>Fails on a difference, and skips naming the features that cases were refused for.</summary>
        public void Report(string @case)
        {
            Assert.True(differences.Count == 0, $"{differences.Count} differ, {passed} equal\n{string.Join('\n', differences.Take(40))}");
            if (passed > 0) Fidelity.Passed(area, @case, $"{passed} renderings equal");
            if (missing.Count > 0) Fidelity.Skipped(area, $"{@case} (others)", string.Join(", ", missing));
        }

        private static string Quote(string? text) =>
            JsonSerializer.Serialize(text is { Length: > 600 } ? text[..600] + "…" : text, Readable);

        private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    }

    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2024, 7, 26, 13, 14, 15, TimeSpan.Zero);

        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;
    }
}
