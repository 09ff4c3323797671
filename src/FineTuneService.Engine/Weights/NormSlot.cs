namespace FineTuneService.Engine.Weights;

/// <summary>A norm's parameters.</summary>
/// <param name="Modules">Its module's name; several where each head has a module of its own.</param>
/// <param name="Shape">[width] of its weight, or [heads, width].</param>
internal sealed record NormSlot(IReadOnlyList<string> Modules, long[] Shape, bool Bias)
{
    public IEnumerable<Slot> Slots => [.. Weights, .. Bias ? Modules.Select(module => new Slot(module + ".bias", SlotKind.Bias, Each)) : []];

    public IEnumerable<Slot> Weights => Modules.Select(module => new Slot(module + ".weight", SlotKind.Norm, Each));

    private long[] Each => Modules.Count == 1 ? Shape : Shape[1..];
}
