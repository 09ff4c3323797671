namespace FineTuneService.Engine.Formats;

/// <summary>A safetensors file that cannot be used: the message names the file, the tensor and what is wrong.</summary>
public sealed class SafetensorsException(string message) : TensorFileException(message);
