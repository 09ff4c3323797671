using System.Diagnostics;
using FineTuneService.Benchmarks.Soak;
using FineTuneService.Hosting;

namespace FineTuneService.Benchmarks.Torture;

/// <summary>
/// Kills the real service with SIGKILL in the middle of each phase, the one that was hit least first, while several tenants upload, train, merge
/// and chat; after each kill it is started again, sometimes killed in that too, and everything that it had acknowledged is checked. The seed
/// decides at which moment of a phase; the machine's own timing the rest.
/// </summary>
internal sealed class TortureRun(int seed, int kills, TimeSpan longest) : IDisposable
{
    /// <summary>Uploads, merges, saves or stretches of steps that may end well before the one that is hit.</summary>
    private const int MostPassing = 4;

    private readonly string _root = Directory.CreateTempSubdirectory("finetune-torture-").FullName;
    private readonly string _log = ServiceUnderTest.LogOf("torture");
    private readonly Random _random = new(seed);
    private readonly Dictionary<Phase, int> _histogram = Enum.GetValues<Phase>().ToDictionary(phase => phase, _ => 0);
    private readonly Tenants _tenants = new();
    private TimeSpan _starting, _aiming, _checking;
    private int _starts, _missed;

    private string Data => Path.Combine(_root, "data");

    public static async Task<int> Run(int seed, int? kills, double minutes)
    {
        using var run = new TortureRun(seed, kills ?? int.MaxValue, TimeSpan.FromMinutes(minutes));
        return await run.Go();
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <returns>0 where all that was acknowledged is there, and every phase was hit.</returns>
    private async Task<int> Go()
    {
        var clock = Stopwatch.StartNew();
        var acknowledged = new Acknowledged(_tenants);
        var killer = new Killer(_random);
        Victim victim = Start();
        try
        {
            await Ready(victim);
            await _tenants.Prepare(victim.Service);
            Console.WriteLine($"seed {seed}; undisturbed after {clock.Elapsed.TotalSeconds:0} s; kills begin; the service's log is {_log}");
            for (int turn = 0; _histogram.Values.Sum() < kills && clock.Elapsed < longest && acknowledged.Faults.Count == 0; turn++)
            {
                Phase phase = Least(but: Phase.StartUpRepair);
                var work = new Work(_tenants, acknowledged, victim.Service, turn, _random);
                Task working = Task.Run(() => work.UntilGone(phase));
                await Timed(() => Task.Run(() => Kill(killer, victim, phase, () => working.IsCompleted || victim.Service.HasExited)), spent => _aiming += spent);
                victim.Dispose();
                await working;
                victim = Start();
                if (Least() == Phase.StartUpRepair && _histogram.Values.Sum() < kills)
                {
                    Victim starting = victim;
                    await Timed(() => Task.Run(() => Kill(killer, starting, Phase.StartUpRepair, () => starting.Service.Answers)), spent => _aiming += spent);
                    victim.Dispose();
                    victim = Start();
                }
                await Ready(victim);
                ServiceUnderTest service = victim.Service;
                await Timed(() => acknowledged.Check(key => new TortureClient(service.Address, key)), spent => _checking += spent);
                await NothingUnfinished(acknowledged);
            }
        }
        finally
        {
            victim.Dispose();
        }
        Report(acknowledged, clock.Elapsed);
        return acknowledged.Faults.Count == 0 && _histogram.Values.All(hits => hits > 0) ? 0 : 1;
    }

    private void Kill(Killer killer, Victim victim, Phase phase, Func<bool> over)
    {
        if (killer.Kill(victim, phase, phase is Phase.StartUpRepair or Phase.Validation ? 0 : _random.Next(MostPassing), over)) _histogram[phase]++;
        else _missed++;
    }

    private Victim Start() => new(Data, Path.Combine(_root, $"phases-{_starts++}"), _log);

    private Task Ready(Victim victim) => Timed(victim.Service.Ready, spent => _starting += spent);

    private Phase Least(Phase? but = null) => _histogram.Where(hits => hits.Key != but).MinBy(hits => hits.Value).Key;

    private static async Task Timed(Func<Task> work, Action<TimeSpan> spent)
    {
        var clock = Stopwatch.StartNew();
        await work();
        spent(clock.Elapsed);
    }

    /// <summary>With nothing to do, the service has nothing half-written, neither of its own nor of those that were killed.</summary>
    private async Task NothingUnfinished(Acknowledged acknowledged)
    {
        string[] left = [];
        for (int i = 0; i < 100; i++)
        {
            left = [.. Directory.EnumerateFileSystemEntries(Path.Combine(Data, "tmp")).Where(path => Path.GetFileName(path) != "readiness"), .. Directory.EnumerateFileSystemEntries(Path.Combine(Data, "jobs"))];
            if (left.Length == 0) return;
            await Task.Delay(50);
        }
        acknowledged.Fault($"nothing is to be done, and {string.Join(", ", left)} is left");
    }

    private void Report(Acknowledged acknowledged, TimeSpan took)
    {
        int all = _histogram.Values.Sum();
        Console.WriteLine($"{all} kills in {took.TotalMinutes:0.0} minutes, seed {seed}; {_missed} more came when the phase had passed");
        foreach ((Phase phase, int count) in _histogram) Console.WriteLine($"  {phase,-14} {count,4} {new string('#', Math.Min(count, 60))}");
        Console.WriteLine($"a kill took {took.TotalSeconds / Math.Max(all, 1):0.0} s: {_starting.TotalSeconds / Math.Max(all, 1):0.0} s starts, {_aiming.TotalSeconds / Math.Max(all, 1):0.0} s until the kill, {_checking.TotalSeconds / Math.Max(all, 1):0.0} s jobs going on and being checked");
        Console.WriteLine($"compared: {acknowledged.JobsCompared} jobs' adapters with undisturbed runs', {acknowledged.FilesCompared} files' bytes, {acknowledged.MergedAsked} merged models asked");
        Console.WriteLine(acknowledged.Faults.Count == 0 ? "everything that was acknowledged is there" : $"{acknowledged.Faults.Count} faults");
    }
}
