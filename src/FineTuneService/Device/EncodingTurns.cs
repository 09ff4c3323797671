using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace FineTuneService.Device;

/// <summary>
/// Templates and tokenizers run here, on threads of their own and never on the device's, for so many requests of a tenant at once: a
/// tenant's slow template holds up its own requests only. These threads step back where the device's want a core: many slow templates
/// would otherwise take the cores from everybody's answers.
/// </summary>
/// <param name="atOnce">Of a tenant.</param>
internal sealed partial class EncodingTurns(int atOnce = 2)
{
    private const int Niceness = 10;
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _tenants = new();

    /// <param name="longest">What takes longer is given up; its thread keeps its place until it ends.</param>
    /// <exception cref="TimeoutException">It took longer.</exception>
    public async Task<T> Run<T>(string tenant, Func<T> encode, TimeSpan longest, CancellationToken cancel)
    {
        SemaphoreSlim turns = _tenants.GetOrAdd(tenant, _ => new SemaphoreSlim(atOnce));
        await turns.WaitAsync(cancel);
        Task<T> encoding = Aside(encode);
        _ = encoding.ContinueWith(_ => turns.Release(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return await encoding.WaitAsync(longest, cancel);
    }

    private static Task<T> Aside<T>(Func<T> encode)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            // Linux keeps this by thread; elsewhere it would be the whole process's.
            if (OperatingSystem.IsLinux()) setpriority(which: 0, who: 0, Niceness);
            try
            {
                done.SetResult(encode());
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        })
        { IsBackground = true, Name = "encode" }.Start();
        return done.Task;
    }

    [LibraryImport("libc")]
    private static partial int setpriority(int which, int who, int priority);
}
