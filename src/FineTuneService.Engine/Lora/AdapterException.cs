namespace FineTuneService.Engine.Lora;

/// <summary>An adapter folder that cannot be loaded on a base: the message names the option or tensor, and what is wrong with it.</summary>
public sealed class AdapterException(string message) : Exception(message);
