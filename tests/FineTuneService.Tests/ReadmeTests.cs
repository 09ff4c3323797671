using System.Diagnostics;

namespace FineTuneService.Tests;

/// <summary>The README's first request, as a reader would paste it.</summary>
[Waits]
public sealed class ReadmeTests
{
    private const string Address = "http://127.0.0.1:5080", KeyOption = "FineTune__AdminKey";

    [Fact]
    public async Task FirstRequest_AsPasted_TrainsAndAnswers()
    {
        Assert.SkipUnless(IsHere("curl") && IsHere("bash"), "bash and curl are not both here; the README uses them.");
        string[] lines = await File.ReadAllLinesAsync(Path.Combine(AppContext.BaseDirectory, "README.md"), TestContext.Current.CancellationToken);
        string start = lines.First(line => line.Contains($"{KeyOption}=", StringComparison.Ordinal) && line.Contains("./dev run", StringComparison.Ordinal));
        Assert.Contains($"ASPNETCORE_URLS={Address}", start);
        string key = start.Trim().Split(' ')[0][(KeyOption.Length + 1)..];
        string[] pasted = [.. lines.SkipWhile(line => !line.StartsWith("In another terminal", StringComparison.Ordinal)).Skip(2).TakeWhile(line => line.StartsWith("    ", StringComparison.Ordinal))];

        using var data = new DataFolder();
        using var service = new ServiceProcess(data, (KeyOption, key));
        string script = string.Join('\n', pasted).Replace(Address, await service.Address);
        Assert.DoesNotContain("5080", script);
        using Process bash = Process.Start(new ProcessStartInfo("bash", ["-c", script]) { WorkingDirectory = data.Path, RedirectStandardOutput = true })!;
        string said = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, bash.ExitCode);
        Assert.Contains("data: [DONE]", said);
        Assert.Contains("Good day, Ada!", said[said.IndexOf("[DONE]", StringComparison.Ordinal)..]);
    }

    private static bool IsHere(string program) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
}
