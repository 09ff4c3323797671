using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace FineTuneService.Demo.Client;

/// <summary>The service as a process of its own, on a free port of this machine, with a data directory that goes with it.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("finetune-demo-");
    private readonly Process _process;
    private readonly StreamWriter _log;

    public Uri Address { get; }
    public string AdminKey { get; } = "admin-" + Guid.NewGuid().ToString("N");

    /// <summary>What the service wrote to its standard output.</summary>
    public string LogFile { get; }

    private ServiceProcess()
    {
        Address = new Uri($"http://127.0.0.1:{FreePort()}");
        LogFile = Path.Combine(Path.GetTempPath(), $"{_data.Name}.log");
        _log = new StreamWriter(LogFile) { AutoFlush = true };
        var program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../FineTuneService/release/FineTuneService.dll"));
        _process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", [program]) { RedirectStandardOutput = true, RedirectStandardError = true },
        };
        _process.StartInfo.Environment["ASPNETCORE_URLS"] = Address.ToString();
        _process.StartInfo.Environment["FineTune__DataDirectory"] = _data.FullName;
        _process.StartInfo.Environment["FineTune__AdminKey"] = AdminKey;
        _process.OutputDataReceived += (_, line) => Write(line.Data);
        _process.ErrorDataReceived += (_, line) => Write(line.Data);
    }

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <exception cref="InvalidOperationException">It ended, or was not ready in a minute.</exception>
    public static async Task<ServiceProcess> StartAsync()
    {
        var service = new ServiceProcess();
        service._process.Start();
        service._process.BeginOutputReadLine();
        service._process.BeginErrorReadLine();
        using var http = new HttpClient { BaseAddress = service.Address };
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < StartLimit && !service._process.HasExited; await Task.Delay(100))
            if (await IsReady(http))
                return service;
        await service.DisposeAsync();
        throw new InvalidOperationException($"The service did not start; its log is {service.LogFile}.");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        lock (_log)
            _log.Dispose();
        _data.Delete(recursive: true);
    }

    private void Write(string? line)
    {
        lock (_log)
            if (line is not null && _log.BaseStream is not null)
                _log.WriteLine(line);
    }

    private static async Task<bool> IsReady(HttpClient http)
    {
        try
        {
            return (await http.GetAsync("/readyz")).IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
