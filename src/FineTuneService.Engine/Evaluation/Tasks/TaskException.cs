namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>A task cannot be put to a model; the message says which row and why.</summary>
public sealed class TaskException(string message) : Exception(message);
