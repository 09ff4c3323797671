namespace FineTuneService.Engine.Formats;

/// <summary>A file of tensors that cannot be used, of whichever format: the message names the file, the tensor and what is wrong.</summary>
public class TensorFileException(string message) : Exception(message);
