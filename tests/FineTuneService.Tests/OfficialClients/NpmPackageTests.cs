using System.ComponentModel;
using System.Diagnostics;

namespace FineTuneService.Tests.OfficialClients;

/// <summary>OpenAI's npm package: the suite tests/openai-js, by node, against the same service.</summary>
[Collection(OfficialClientsCollection.Name)]
public sealed class NpmPackageTests(OpenAIClients clients)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Suite_OfTheNpmPackage_Passes()
    {
        string folder = Path.Combine(Engine.Tests.Shared.Repository, "tests", "openai-js");
        Assert.SkipUnless(Directory.Exists(Path.Combine(folder, "node_modules", "openai")), "OpenAI's npm package is not installed; ./dev sdk installs it and node, and runs this.");
        (HttpClient client, string key) = await clients.NewTenant("npm");
        using Process node = Start(folder, client.BaseAddress!, key);
        using var deadline = new CancellationTokenSource(Longest);
        Task<string> said = node.StandardOutput.ReadToEndAsync(deadline.Token), wrong = node.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            await node.WaitForExitAsync(deadline.Token);
            Assert.True(node.ExitCode == 0, $"{await said}\n{await wrong}");
            Assert.Contains("# fail 0", await said);
            Assert.DoesNotContain("# pass 0", await said);
        }
        finally
        {
            if (!node.HasExited) node.Kill(entireProcessTree: true);
        }
    }

    private static Process Start(string folder, Uri service, string key)
    {
        var start = new ProcessStartInfo("node", ["--test", "--test-reporter=tap", "suite.test.js"]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OPENAI_BASE_URL"] = new Uri(service, "/v1").ToString();
        start.Environment["OPENAI_API_KEY"] = key;
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            Assert.Skip("node is not installed; ./dev sdk installs it, and runs this.");
            throw;
        }
    }
}
