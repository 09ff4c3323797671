using System.Collections.Concurrent;
using System.Net.Http.Headers;

namespace FineTuneService.Benchmarks.Soak;

/// <summary>What the soak saw: every status, every fault, and the waits that have a promise.</summary>
internal sealed class Findings
{
    private readonly ConcurrentDictionary<int, int> _statuses = new();
    private readonly ConcurrentQueue<string> _faults = new();

    /// <summary>Waits for the next token of well-behaved tenants' streams, in seconds.</summary>
    public ConcurrentBag<double> TokenWaits { get; } = [];

    /// <summary>From a job's creation until it runs, in seconds, where no other job was before it.</summary>
    public ConcurrentBag<double> JobStarts { get; } = [];

    public int WrongTenantAnswers => _wrongTenant;
    public int JobsCompared => _jobsCompared;
    public int AnswersCompared => _answersCompared;
    public IReadOnlyCollection<string> Faults => _faults;
    public IReadOnlyDictionary<int, int> Statuses => _statuses;

    private int _wrongTenant, _jobsCompared, _answersCompared;

    public void Answered(string tenant, string path, HttpResponseMessage answer, string body = "")
    {
        int status = (int)answer.StatusCode;
        _statuses.AddOrUpdate(status, 1, (_, count) => count + 1);
        if (status is 503 or 429 && answer.Headers.RetryAfter is not RetryConditionHeaderValue) Fault($"{tenant}: {path} answered {status} without retry-after: {body}");
        if (status >= 500 && status is not (503 or 507)) Fault($"{tenant}: {path} answered {status}: {body}");
    }

    public void Fault(string what)
    {
        if (_faults.Count < 200) _faults.Enqueue(what);
    }

    public void ComparedJob() => Interlocked.Increment(ref _jobsCompared);
    public void ComparedAnswer() => Interlocked.Increment(ref _answersCompared);

    public void WrongTenant(string what)
    {
        Interlocked.Increment(ref _wrongTenant);
        Fault(what);
    }
}
