using System.Runtime.CompilerServices;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>
/// What one rendering may use. Templates come with uploaded models, so an endless loop or <c>'a' * 10000000000</c>
/// has to end in an error, not in a dead service.
/// </summary>
internal sealed class Budget
{
    public const int MaxSteps = 10_000_000;
    public const int MaxText = 16 << 20;
    public const long MaxAllocated = 64L << 20;
    public const int MaxRange = 100_000;

    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(20);

    private readonly long _started = Environment.TickCount64;
    private long _allocated;
    private int _steps;

    /// <summary>Counts one node; also refuses a nesting that the stack cannot hold.</summary>
    public void Step()
    {
        if (++_steps > MaxSteps) throw new JinjaError($"the template takes more than {MaxSteps:N0} steps.");
        // One step may search a text of the longest length, so steps alone do not bound the time.
        if (Environment.TickCount64 - _started > MaxTime.TotalMilliseconds)
            throw new JinjaError($"the template takes longer than {MaxTime.TotalSeconds} s.");
        CheckDepth();
    }

    /// <summary>Call before making a text or list of <paramref name="size"/> characters or items.</summary>
    public void Allocate(double size)
    {
        if (size > MaxText) throw new JinjaError($"the template makes a text or list longer than {MaxText:N0}.");
        _allocated += (long)size;
        if (_allocated > MaxAllocated) throw new JinjaError($"the template makes more than {MaxAllocated:N0} characters in all.");
    }

    public static void CheckDepth()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw new JinjaError("maximum recursion depth exceeded");
    }
}
