namespace FineTuneService.Engine.Lora;

/// <summary>An adapter's part in a combination.</summary>
/// <param name="Name">What errors call it.</param>
/// <param name="Folder">In PEFT's format.</param>
/// <param name="Weight">Any finite number; below 0 what it learned is taken off.</param>
public sealed record WeightedAdapter(string Name, string Folder, double Weight)
{
    /// <summary>Of a combination.</summary>
    public const int Most = 32;

    public const double LargestWeight = 1000;
}

/// <summary>How adapters become one: PEFT's combination_type.</summary>
public enum CombinationType
{
    /// <summary>A and B are added apart, each with the root of its factor: of the adapters' own rank, and not the sum of what they do.</summary>
    Linear,

    /// <summary>A one under the other, B side by side: exactly the sum of what they do, of the sum of their ranks.</summary>
    Cat,

    /// <summary>The best approximation of that sum of a given rank.</summary>
    Svd,
}
