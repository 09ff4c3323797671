using System.Reflection;
using FineTuneService.Tenants;

namespace FineTuneService.Hosting;

/// <summary>How the service begins to listen, and how it ends.</summary>
internal static class Lifetime
{
    /// <summary>Answers under way may end by themselves for so long; a container's host waits 30 seconds before it kills.</summary>
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(20);

    /// <summary>What is still held after that, such as the device by a step, is left to the process's end.</summary>
    private static readonly TimeSpan Release = TimeSpan.FromSeconds(3);

    // They log a failed start with its stack trace; what is wrong is then said in a sentence.
    private static readonly string[] StartLoggers = ["Microsoft.AspNetCore.Server.Kestrel", "Microsoft.Extensions.Hosting.Internal.Host"];

    private static volatile bool _starting = true;

    public static void AddLifetime(this WebApplicationBuilder builder)
    {
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Drain);
        foreach (string logger in StartLoggers) builder.Logging.AddFilter(logger, level => !_starting && level >= LogLevel.Warning);
    }

    /// <summary>Listens. The admin's key is shown after that: nothing can go wrong any more.</summary>
    public static async Task Begin(this WebApplication app)
    {
        await app.StartAsync();
        app.Services.GetRequiredService<AdminKey>().Show();
        _starting = false;
    }

    /// <summary>Serves until the process is told to end, and lets go of everything.</summary>
    public static async Task End(this WebApplication app)
    {
        await app.WaitForShutdownAsync();
        Task released = app.DisposeAsync().AsTask();
        await released.WaitAsync(Release).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Where another program hosts the service, its process is not ours to end.
        if (!released.IsCompleted && Assembly.GetEntryAssembly() == typeof(Lifetime).Assembly) ProcessDefaults.EndNow();
    }
}
