namespace FineTuneService.Hosting;

/// <summary>The service cannot start. The message is one sentence for its operator: which option or file is at fault, and what to do.</summary>
public sealed class StartException(string message) : Exception(message);
