namespace FineTuneService.Hub;

/// <summary>A download that cannot succeed as it is: the message says what to do.</summary>
internal sealed class HubException(string code, string message) : Exception(message)
{
    public string Code => code;

    /// <summary>Whether the files that are there may serve a later try.</summary>
    public bool KeepsFiles { get; init; } = true;

    public HubProblem Problem => new(Code, Message);
}

/// <summary>Trouble that may pass: the hub, or the way to it, failed. It is tried again.</summary>
internal sealed class HubTroubleException(string message, TimeSpan? retryAfter = null, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>What the hub said of when to come back.</summary>
    public TimeSpan? RetryAfter => retryAfter;
}
