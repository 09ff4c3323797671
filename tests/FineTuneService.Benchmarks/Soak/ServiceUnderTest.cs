using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FineTuneService.Benchmarks.Soak;

/// <summary>The service as a process of its own on a free port of this machine, and what the kernel says of its memory.</summary>
internal sealed class ServiceUnderTest : IDisposable
{
    private readonly Process _process;
    private bool _disposed;

    /// <param name="logFile">Gets what the service says, after what is in it.</param>
    public ServiceUnderTest(string dataDirectory, string logFile, params IEnumerable<(string Name, string Value)> environment)
    {
        Address = new Uri($"http://127.0.0.1:{FreePort()}");
        LogFile = logFile;
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec dotnet \"$0\" >> \"$1\" 2>&1", Path.Combine(AppContext.BaseDirectory, "FineTuneService.dll"), LogFile]);
        start.Environment["ASPNETCORE_URLS"] = Address.ToString();
        start.Environment["FineTune__DataDirectory"] = dataDirectory;
        start.Environment["FineTune__AdminKey"] = AdminKey;
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        _process = Process.Start(start)!;
    }

    public Uri Address { get; }
    public string AdminKey { get; } = "admin-" + Guid.NewGuid().ToString("n");
    public string LogFile { get; }

    /// <summary>A file for the service's log that no other run on this machine writes to, and that stays after it.</summary>
    public static string LogOf(string run) => Path.Combine(Path.GetTempPath(), $"finetune-{run}-{Environment.ProcessId}.log");

    /// <summary>Whether it has begun to listen.</summary>
    public bool Answers
    {
        get
        {
            using var client = new TcpClient();
            try
            {
                client.Connect(IPAddress.Loopback, Address.Port);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }
    }

    public bool HasExited => _disposed || _process.HasExited;

    /// <summary>Resident memory now, in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            string line = File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
        }
    }

    /// <exception cref="InvalidOperationException">It ended, or was not ready in a minute.</exception>
    public async Task Ready()
    {
        using var http = new HttpClient { BaseAddress = Address };
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromMinutes(1) && !HasExited; await Task.Delay(20))
        {
            try
            {
                if ((await http.GetAsync("/readyz")).IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }
        }
        throw new InvalidOperationException($"The service did not start; its log is {LogFile}.");
    }

    /// <summary>Sends SIGKILL, and is back once the process has ended.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
