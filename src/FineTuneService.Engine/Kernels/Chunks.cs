namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Runs a loop's chunks on all cores. Chunks are cut by the data's shape, never by the number of threads, so results are the same
/// bits on any machine. The workers are our own: they wait awake for some 15 µs, for a kernel that follows at once, and asleep after
/// that: mostly a product of libtorch follows, whose threads must have the cores.
/// </summary>
internal static class Chunks
{
    private const int SpinsAwake = 50;

    private static readonly Lock Gate = new();
    private static readonly Thread[] Workers = Start(Environment.ProcessorCount - 1);
    private static readonly SemaphoreSlim Asleep = new(0);
    private static volatile Loop? _current;
    private static int _sleepers;

    /// <summary>Calls <paramref name="body"/> for every chunk 0…count-1, in any order, and returns when all have ended.</summary>
    public static void Run(int count, Action<int> body)
    {
        if (count <= 1 || Workers.Length == 0)
        {
            for (int chunk = 0; chunk < count; chunk++) body(chunk);
            return;
        }
        lock (Gate)
        {
            var loop = new Loop(count, body);
            _current = loop;
            Interlocked.MemoryBarrier(); // A worker either sees the loop before it sleeps, or is seen asleep here.
            int sleepers = Volatile.Read(ref _sleepers);
            if (sleepers > 0) Asleep.Release(Math.Min(sleepers, count - 1));
            loop.Work(Workers.Length);
            loop.Wait();
            _current = null;
        }
    }

    private static Thread[] Start(int count)
    {
        var threads = new Thread[Math.Max(0, count)];
        for (int i = 0; i < threads.Length; i++)
        {
            int worker = i;
            threads[i] = new Thread(() => Serve(worker)) { IsBackground = true, Name = "kernel" };
            threads[i].Start();
        }
        return threads;
    }

    private static void Serve(int worker)
    {
        Loop? done = null;
        while (true)
        {
            for (int spin = 0; spin < SpinsAwake && (_current is null || ReferenceEquals(_current, done)); spin++) Thread.SpinWait(8);
            if (_current is { } loop && !ReferenceEquals(loop, done))
            {
                loop.Work(worker);
                done = loop;
                continue;
            }
            Interlocked.Increment(ref _sleepers);
            if (_current is null || ReferenceEquals(_current, done)) Asleep.Wait();
            Interlocked.Decrement(ref _sleepers);
            if (!ReferenceEquals(_current, done)) done = null;
        }
    }

    /// <summary>
    /// Each thread has a part of the chunks, one after the other in memory, and takes of the others' parts once its own is done: what it asks
    /// memory for in advance is mostly its own next chunk, and threads seldom meet at a counter.
    /// </summary>
    private sealed class Loop(int count, Action<int> body)
    {
        private const int Line = 64 / sizeof(int);

        private readonly int _parts = Workers.Length + 1;
        private readonly int[] _taken = new int[(Workers.Length + 2) * Line];
        private int _ended;
        private Exception? _failure;

        /// <param name="thread">Which of the threads; each has a number of its own.</param>
        public void Work(int thread)
        {
            int ended = 0;
            for (int i = 0; i < _parts; i++)
            {
                int part = (thread + i) % _parts, first = First(part), end = First(part + 1);
                ref int taken = ref _taken[(part + 1) * Line];
                while (first + Volatile.Read(ref taken) < end)
                {
                    int chunk = first + Interlocked.Increment(ref taken) - 1;
                    if (chunk >= end) break;
                    try
                    {
                        body(chunk);
                    }
                    catch (Exception failure)
                    {
                        _failure = failure;
                    }
                    ended++;
                }
            }
            if (ended > 0) Interlocked.Add(ref _ended, ended);
        }

        public void Wait()
        {
            var spinner = new SpinWait();
            while (Volatile.Read(ref _ended) < count) spinner.SpinOnce(sleep1Threshold: -1);
            if (_failure is not null) throw new InvalidOperationException("a kernel failed", _failure);
        }

        private int First(int part) => (int)((long)count * part / _parts);
    }
}
