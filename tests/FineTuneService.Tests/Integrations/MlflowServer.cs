using System.ComponentModel;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using SharedFolder = FineTuneService.Engine.Tests.Shared;

namespace FineTuneService.Tests.Integrations;

/// <summary>
/// The reference folder's stand-in for an MLflow tracking server, which answers as a real one was recorded to and says what that one would lose
/// without a word.
/// </summary>
internal sealed class MlflowServer : IDisposable
{
    private const string Listening = "listening on ";
    private readonly Process _process;
    private readonly HttpClient _http;

    /// <param name="port">0: a free one.</param>
    /// <param name="user">As NAME:PASSWORD:admin, whom alone it serves.</param>
    public MlflowServer(int port = 0, string? user = null)
    {
        string script = SharedFolder.Path("golden", "tracking", "mlflow", "check_server.py");
        Assert.SkipUnless(File.Exists(script), "the reference folder is absent");
        try
        {
            _process = Process.Start(new ProcessStartInfo("python3", [script, "--port", $"{port}", .. user is null ? Array.Empty<string>() : ["--user", user]]) { RedirectStandardOutput = true })!;
        }
        catch (Win32Exception)
        {
            Assert.Skip("python3 is not installed");
            throw;
        }
        string line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the stand-in for MLflow did not start");
        Address = line[(line.IndexOf(Listening, StringComparison.Ordinal) + Listening.Length)..].Trim();
        _http = new HttpClient { BaseAddress = new Uri(Address) };
    }

    public string Address { get; }

    /// <summary>What it saw, and keeps.</summary>
    public async Task<JsonNode> Seen() => JsonNode.Parse(await _http.GetStringAsync("/_seen"))!;

    /// <summary>The one run that has this tag, with its parameters, tags and all points of its metrics.</summary>
    public async Task<JsonNode> RunOf(string job) => Assert.Single((await Seen())["runs"]!.AsArray(), run => (string?)run!["tags"]!["finetune.job_id"] == job)!;

    /// <summary>Nothing was sent that a real server would lose.</summary>
    public async Task LostNothing() => Assert.Equal("[]", (await Seen())["warnings"]!.ToJsonString());

    /// <summary>Makes requests fail.</summary>
    public async Task Fail(object how) => (await _http.PostAsJsonAsync("/_fail", how)).EnsureSuccessStatusCode();

    public void Dispose()
    {
        _http.Dispose();
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
