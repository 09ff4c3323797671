namespace FineTuneService.Engine.Formats;

/// <summary>A model folder that cannot be loaded: the message names the file, tensor or setting, and what is wrong with it.</summary>
public sealed class ModelException(string message) : Exception(message);
