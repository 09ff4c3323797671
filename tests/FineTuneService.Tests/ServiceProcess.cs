using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using FineTuneService.Tests.Contract;

namespace FineTuneService.Tests;

/// <summary>The service as a process of its own, on a free port of 127.0.0.1.</summary>
internal sealed partial class ServiceProcess : IDisposable
{
    private const string Listening = "Now listening on: ";
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = [];
    private readonly TaskCompletionSource<string> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ServiceProcess(DataFolder data, params IEnumerable<(string Name, string Value)> environment)
        : this(StartInfo(data.Path, environment))
    {
    }

    /// <param name="under">A command that becomes the service, or runs it as its own process would: a tracer.</param>
    public ServiceProcess(DataFolder data, string[] under)
        : this(Under(StartInfo(data.Path), under))
    {
    }

    private ServiceProcess(ProcessStartInfo start)
    {
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) =>
        {
            _output.Enqueue(line.Data ?? "");
            if (line.Data is null) _address.TrySetException(new InvalidOperationException("The service ended before it listened."));
            else if (line.Data.IndexOf(Listening, StringComparison.Ordinal) is >= 0 and var at) _address.TrySetResult(line.Data[(at + Listening.Length)..].Trim());
        };
        _process.BeginOutputReadLine();
    }

    /// <summary>How it is started, on a free port and with the tests' admin key unless the environment says otherwise.</summary>
    public static ProcessStartInfo StartInfo(string data, params IEnumerable<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "FineTuneService.dll")]) { RedirectStandardOutput = true };
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        start.Environment["FineTune__DataDirectory"] = data;
        start.Environment["FineTune__AdminKey"] = TestService.AdminKey;
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return start;
    }

    private static ProcessStartInfo Under(ProcessStartInfo start, string[] command)
    {
        foreach ((int at, string part) in command.Skip(1).Append(start.FileName).Index()) start.ArgumentList.Insert(at, part);
        start.FileName = command[0];
        return start;
    }

    /// <summary>Where it listens.</summary>
    public Task<string> Address => _address.Task;

    /// <summary>Until a line of its log has this text.</summary>
    public async Task Logged(string text)
    {
        while (!HasLogged(text)) await Task.Delay(20);
    }

    public bool HasLogged(string text) => _output.Any(line => line.Contains(text, StringComparison.Ordinal));

    public async Task<HttpClient> Client(string key) =>
        new(new ContractHandler { InnerHandler = new SocketsHttpHandler() }) { BaseAddress = new Uri(await _address.Task), DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", key) } };

    /// <summary>Sends SIGKILL: nothing in it runs any more.</summary>
    public async Task Kill()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Sends SIGTERM, as a container's host does.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> Terminate()
    {
        // By libc: a machine with nothing but the SDK has no kill program.
        const int SigTerm = 15;
        Send(SigTerm);
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <summary>Nothing of it runs, and nothing of it ends, until <see cref="Continue"/>: a machine that is paused, to those who wait for it.</summary>
    public void Stall() => Send(OperatingSystem.IsMacOS() ? 17 : 19);

    public void Continue() => Send(OperatingSystem.IsMacOS() ? 19 : 18);

    private void Send(int signal)
    {
        if (SendSignal(_process.Id, signal) != 0) throw new InvalidOperationException($"process {_process.Id} took no signal");
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
