using System.Diagnostics;
using FineTuneService.Hosting;

namespace FineTuneService.Benchmarks.Torture;

/// <summary>
/// Kills a service inside of a phase: not at its first instant but at a random moment of it. How long a phase lasts here is learnt: a moment
/// that came too late brings the next ones nearer to its beginning, one that hit moves them away.
/// </summary>
internal sealed class Killer(Random random)
{
    private const double Nearer = 0.7, Further = 1.3, Most = 2;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Dictionary<Phase, double> _latest = Enum.GetValues<Phase>().ToDictionary(phase => phase, _ => 0.1);

    /// <summary>Waits for the phase, as often as it takes, and kills.</summary>
    /// <param name="passing">How often the phase may first pass undisturbed: which save of a job, which of several uploads.</param>
    /// <param name="over">Whether it will not come any more.</param>
    /// <returns>Whether the service died in it; what was too late is no kill.</returns>
    public bool Kill(Victim victim, Phase phase, int passing, Func<bool> over)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Patience && !over(); Thread.Sleep(1))
        {
            if (!victim.IsIn(phase)) continue;
            if (passing > 0)
            {
                while (victim.IsIn(phase) && !over()) Thread.Sleep(1);
                passing--;
                continue;
            }
            var inside = Stopwatch.StartNew();
            double moment = random.NextDouble() * _latest[phase];
            // The last two milliseconds are not slept: a sleep is longer than some moments.
            while (victim.IsIn(phase) && inside.Elapsed.TotalSeconds < moment) Thread.Sleep(moment - inside.Elapsed.TotalSeconds > 0.002 ? 1 : 0);
            if (victim.IsIn(phase))
            {
                victim.Kill();
                if (!victim.IsIn(phase)) return false;
                _latest[phase] = Math.Min(_latest[phase] * Further, Most);
                return true;
            }
            _latest[phase] *= Nearer;
        }
        return false;
    }
}
