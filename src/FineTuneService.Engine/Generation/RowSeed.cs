using FineTuneService.Engine.Compute;

namespace FineTuneService.Engine.Generation;

/// <summary>
/// Every row draws from a random stream of its own: a hash of the request's seed, the prompt, which of equal prompts it is, and the
/// choice. Neighbouring seeds share nothing, and a prompt's answers do not depend on what else the request asks.
/// </summary>
public static class RowSeed
{
    /// <param name="repeat">How many equal prompts the request has before this one.</param>
    /// <param name="choice">Which of the prompt's answers.</param>
    public static ulong Of(ulong seed, IReadOnlyList<int> prompt, int repeat, int choice)
    {
        ulong hash = new CounterRandom(seed, (ulong)prompt.Count)[0];
        foreach (int id in prompt) hash = new CounterRandom(hash, (ulong)id)[0];
        return new CounterRandom(hash, ((ulong)(uint)repeat << 32) | (uint)choice)[0];
    }
}
