using System.Runtime.CompilerServices;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>
/// What one template may use while it is read or rendered. Templates come with uploaded models, so an endless loop, a deep nesting or
/// <c>'a' * 10000000000</c> has to end in an error, not in a dead service. Every loop of the interpreter takes its steps from here,
/// and every recursion its depth.
/// </summary>
/// <param name="maxDepth">Recursions inside each other, as Python has its recursion limit.</param>
internal sealed class Budget(int maxDepth = Budget.MaxDepth)
{
    public const int MaxDepth = 1000;
    public const int MaxSteps = 10_000_000;

    /// <summary>Characters or items of one value.</summary>
    public const int MaxText = 16 << 20;

    /// <summary>Of all values made, also of those that are no longer used.</summary>
    public const long MaxBytes = 256L << 20;

    public const int MaxRange = 100_000;

    // A character passed over by a search or a copy costs about this part of a step.
    private const double StepsPerCharacter = 1 / 32.0;
    private const int BytesPerCharacter = 2, BytesPerItem = 16, StepsBetweenLooks = 1000;

    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(10);

    private readonly long _started = Environment.TickCount64;
    private double _steps, _bytes, _nextLook;
    private int _depth;

    /// <summary>Call before doing <paramref name="count"/> things that each take about as long as evaluating a node.</summary>
    public void Step(double count = 1)
    {
        _steps += count;
        if (_steps > MaxSteps) throw new JinjaError($"the template takes more than {MaxSteps} steps.");
        if (_steps < _nextLook) return;
        _nextLook = _steps + StepsBetweenLooks;
        // Steps are not all equally long.
        if (Environment.TickCount64 - _started > MaxTime.TotalMilliseconds)
            throw new JinjaError($"the template takes longer than {(int)MaxTime.TotalSeconds} s.");
    }

    /// <summary>Call before going through so many characters.</summary>
    public void Scan(double characters) => Step(characters * StepsPerCharacter);

    /// <summary>Call before making a text of <paramref name="characters"/> characters.</summary>
    public void Allocate(double characters)
    {
        Scan(characters);
        Allocate(characters, BytesPerCharacter);
    }

    /// <summary>Call before making a list of <paramref name="items"/> items.</summary>
    public void AllocateItems(double items)
    {
        Step(items / 8);
        Allocate(items, BytesPerItem);
    }

    /// <summary>Call at the start of whatever may call itself; <see cref="Leave"/> at its end, unless it throws.</summary>
    public void Enter()
    {
        if (++_depth > maxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new JinjaError("maximum recursion depth exceeded");
    }

    public void Leave() => _depth--;

    private void Allocate(double size, int bytesEach)
    {
        if (size > MaxText) throw new JinjaError($"the template makes a text or list longer than {MaxText}.");
        _bytes += Math.Max(0, size) * bytesEach;
        if (_bytes > MaxBytes) throw new JinjaError($"the template makes more than {MaxBytes >> 20} MB of texts and lists in all.");
    }
}
