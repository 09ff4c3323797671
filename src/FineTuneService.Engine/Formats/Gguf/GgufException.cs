namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>A GGUF file that cannot be used: the message names the file, the key or tensor, and what is wrong.</summary>
public sealed class GgufException(string message) : TensorFileException(message);
