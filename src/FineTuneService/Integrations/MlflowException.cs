namespace FineTuneService.Integrations;

/// <summary>The tracking server refuses what it was sent, and will again.</summary>
/// <param name="code">MLflow's error_code.</param>
internal sealed class MlflowRefusedException(string code, string message) : Exception(message)
{
    public string Code => code;
}

/// <summary>The tracking server did not take it now: it is away, busy, or does not know us. It may take it later.</summary>
internal sealed class MlflowTroubleException(string message, TimeSpan? retryAfter = null, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>What the server asked for.</summary>
    public TimeSpan? RetryAfter => retryAfter;
}
