using Xunit.v3;

namespace FineTuneService.Tests;

/// <summary>
/// The tests of this class mostly wait, for a process of their own or for time to pass: `./dev test` runs them beside all others, in a
/// second process of this suite. Whatever measures this process (its tensors, its memory) is not among them.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class WaitsAttribute : Attribute, ITraitAttribute
{
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Waits", "true")];
}
