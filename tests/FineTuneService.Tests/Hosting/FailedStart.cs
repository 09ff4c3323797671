using System.Diagnostics;
using System.Text.RegularExpressions;

namespace FineTuneService.Tests.Hosting;

/// <summary>A start of the service that must fail: with one sentence, exit code 1, and nothing given away.</summary>
internal static partial class FailedStart
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <returns>The sentence.</returns>
    public static async Task<string> Sentence(string data, params IEnumerable<(string Name, string Value)> environment)
    {
        ProcessStartInfo start = ServiceProcess.StartInfo(data, [("FineTune__AdminKey", ""), .. environment]);
        start.RedirectStandardError = true;
        start.Environment["HOME"] = data; // Where no developer's certificate lies, with which https would start.
        using Process process = Process.Start(start)!;
        try
        {
            Task<string> said = process.StandardOutput.ReadToEndAsync(), complained = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
            Assert.Equal(1, process.ExitCode);
            Assert.DoesNotContain("Admin key", await said);
            Assert.DoesNotMatch(Inside(), await said);
            string sentence = Assert.Single((await complained).Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.DoesNotMatch(Inside(), sentence);
            return sentence;
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    /// <summary>A stack trace's line, or the name of a .NET type.</summary>
    [GeneratedRegex(@"^\s+at |System\.|Microsoft\.|Exception|DataAnnotation|FineTuneOptions", RegexOptions.Multiline)]
    private static partial Regex Inside();
}
