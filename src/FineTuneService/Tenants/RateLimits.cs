using System.Collections.Concurrent;
using System.Globalization;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Tenants;

/// <summary>
/// Requests and tokens a minute of each tenant, as buckets that fill all the time: a tenant that has rested may take a minute's worth at once.
/// Tokens are taken off when an answer has ended, so a bucket may go below nothing; then the next request waits.
/// </summary>
internal sealed class RateLimits(IOptions<FineTuneOptions> options, TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, (Bucket Requests, Bucket Tokens)> _tenants = new();

    /// <param name="quotas">The tenant's own, or null.</param>
    /// <returns>The limits as they are now, and after how long to come back where one is exceeded.</returns>
    public RateState Take(string tenant, Quotas? quotas)
    {
        (Bucket requests, Bucket tokens) = Of(tenant);
        requests.SetLimit(quotas?.RequestsPerMinute ?? options.Value.RequestsPerMinute);
        tokens.SetLimit(quotas?.TokensPerMinute ?? options.Value.TokensPerMinute);
        TimeSpan wait = tokens.Wait(1);
        if (wait == TimeSpan.Zero && !requests.TryTake()) wait = requests.Wait(1);
        return new RateState(requests.Limit, requests.Left, requests.UntilFull, tokens.Limit, tokens.Left, tokens.UntilFull, wait);
    }

    /// <summary>An answer has taken so many tokens.</summary>
    public void Spend(string tenant, int tokens) => Of(tenant).Tokens.Spend(tokens);

    /// <summary>The tenant is no more; another of its name begins anew.</summary>
    public void Forget(string tenant) => _tenants.TryRemove(tenant, out _);

    private (Bucket Requests, Bucket Tokens) Of(string tenant) => _tenants.GetOrAdd(tenant, _ => (new Bucket(clock), new Bucket(clock)));

    private sealed class Bucket(TimeProvider clock)
    {
        private readonly Lock _turn = new();
        private double _level = double.NaN;
        private long _at = clock.GetTimestamp();

        public long Limit { get; private set; } = 1;

        public long Left => Math.Max(0, (long)Level());

        public TimeSpan UntilFull => Wait(Limit);

        public void SetLimit(long limit)
        {
            lock (_turn)
            {
                if (double.IsNaN(_level)) _level = limit;
                else _level = Math.Min(Level() + Math.Max(0, limit - Limit), limit); // What a raised limit adds is there at once.
                Limit = limit;
            }
        }

        public bool TryTake()
        {
            lock (_turn)
            {
                if (Level() < 1) return false;
                _level--;
                return true;
            }
        }

        public void Spend(double amount)
        {
            lock (_turn) _level = Level() - amount;
        }

        /// <summary>Until there is so much.</summary>
        public TimeSpan Wait(double amount)
        {
            double lacks = amount - Level();
            return lacks <= 0 ? TimeSpan.Zero : TimeSpan.FromMinutes(lacks / Limit);
        }

        private double Level()
        {
            lock (_turn)
            {
                if (double.IsNaN(_level)) return Limit;
                long now = clock.GetTimestamp();
                _level = Math.Min(Limit, _level + clock.GetElapsedTime(_at, now).TotalMinutes * Limit);
                _at = now;
                return _level;
            }
        }
    }
}

/// <param name="Wait">After how long to come back; zero where the request is taken.</param>
internal sealed record RateState(long LimitRequests, long LeftRequests, TimeSpan ResetRequests, long LimitTokens, long LeftTokens, TimeSpan ResetTokens, TimeSpan Wait)
{
    public void Write(IHeaderDictionary headers)
    {
        Write(headers, "requests", LimitRequests, LeftRequests, ResetRequests);
        Write(headers, "tokens", LimitTokens, LeftTokens, ResetTokens);
    }

    private static void Write(IHeaderDictionary headers, string what, long limit, long left, TimeSpan reset)
    {
        headers[$"x-ratelimit-limit-{what}"] = limit.ToString(CultureInfo.InvariantCulture);
        headers[$"x-ratelimit-remaining-{what}"] = left.ToString(CultureInfo.InvariantCulture);
        headers[$"x-ratelimit-reset-{what}"] = Duration(reset);
    }

    /// <summary>As OpenAI writes it: 6ms, 1.5s, 1m0s.</summary>
    private static string Duration(TimeSpan time) => time.TotalSeconds < 1 ? string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalMilliseconds):0}ms")
        : time.TotalMinutes < 1 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###}s")
        : string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalMinutes}m{time.Seconds}s");
}
