namespace FineTuneService.Engine.Tokenizers;

/// <summary>A tokenizer file that is broken or asks for something this library does not do; the message names it.</summary>
public sealed class TokenizerException(string message, Exception? inner = null) : Exception(message, inner)
{
    internal static TokenizerException Unsupported(string kind, string name) =>
        new($"tokenizer.json: the {kind} '{name}' is not supported.");
}
