using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Tokenizers.Conversion;

namespace FineTuneService.Engine.Tokenizers;

/// <summary>
/// The text files of a model: its folder's own or, where its weights are a GGUF file, those that the file stands for. A file that lies in
/// the folder goes before what GGUF says, which does not hold every setting.
/// </summary>
internal static class ModelTextFiles
{
    /// <param name="model">A folder, or the path of a GGUF file.</param>
    /// <returns>Null where the model has none of this name.</returns>
    /// <exception cref="TensorFileException">The GGUF file cannot be used.</exception>
    /// <exception cref="TokenizerException">Its tokenizer is not supported.</exception>
    public static string? Read(string model, string name) => FolderFile.Exists(model, name) ? File.ReadAllText(Path.Combine(model, name))
        : GgufPath.Of(model) is { } gguf ? GgufTexts.Read(gguf, name) : null;
}
