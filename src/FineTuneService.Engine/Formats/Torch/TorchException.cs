namespace FineTuneService.Engine.Formats.Torch;

/// <summary>A file of torch.save that cannot be used: the message names the file and what is wrong.</summary>
public sealed class TorchException(string message) : TensorFileException(message);
