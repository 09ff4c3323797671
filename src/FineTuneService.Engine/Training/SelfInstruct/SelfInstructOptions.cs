namespace FineTuneService.Engine.Training.SelfInstruct;

/// <summary>How tasks are made. The defaults are the paper's (https://arxiv.org/abs/2212.10560) and its code's.</summary>
public sealed record SelfInstructOptions
{
    /// <summary>Instructions with an answer to come to.</summary>
    public required int Count { get; init; }

    /// <summary>Requests to the model after which there is an end, however few tasks there are: a weak model writes little that can be kept.</summary>
    public required int MaxRequests { get; init; }

    /// <summary>Seed tasks in a prompt for new instructions.</summary>
    public int SeedsInPrompt { get; init; } = 6;

    /// <summary>Tasks that were made before, in such a prompt.</summary>
    public int MadeInPrompt { get; init; } = 2;

    /// <summary>Tasks with an example in a prompt for answers.</summary>
    public int ExamplesInPrompt { get; init; } = 4;

    /// <summary>An instruction whose ROUGE-L with another is above this is no new one.</summary>
    public double MostAlike { get; init; } = 0.7;
    public int MaxTokens { get; init; } = 1024;
    public double Temperature { get; init; } = 0.7;
    public double TopP { get; init; } = 0.5;
    public double PresencePenalty { get; init; } = 2;
    public ulong Seed { get; init; } = 42;

    /// <exception cref="ArgumentException">Names the option that cannot be used.</exception>
    internal void Require()
    {
        if (Count < 1) throw new ArgumentException("count must be 1 or more");
        if (MaxRequests < 1) throw new ArgumentException("max_requests must be 1 or more");
        if (SeedsInPrompt < 1 || MadeInPrompt < 0 || ExamplesInPrompt < 1) throw new ArgumentException("a prompt needs at least one seed task and one example");
        if (MostAlike is <= 0 or > 1) throw new ArgumentException("most_alike must be above 0 and at most 1");
    }
}
