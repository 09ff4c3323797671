using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Models;

/// <summary>
/// The tokens that end an answer: generation_config.json's, config.json's and the tokenizer's own, together. Folders in the field name
/// the end of a turn in one of them and the end of a text in another, and a model may have learnt to write either.
/// </summary>
public static class StopTokens
{
    private const string FileName = "generation_config.json";

    /// <summary>Those of a model folder, without ids that are no token of the model's.</summary>
    /// <exception cref="ModelException">generation_config.json cannot be read.</exception>
    public static IReadOnlyList<int> Of(string folder, ModelConfig config, Tokenizer? tokenizer)
    {
        IEnumerable<int> ids = [.. OfGeneration(folder), .. config.EosIds, .. tokenizer?.EosId is { } id ? [id] : (int[])[]];
        return [.. ids.Where(id => id >= 0 && id < config.VocabularySize).Distinct()];
    }

    private static IReadOnlyList<int> OfGeneration(string folder)
    {
        if (FolderFile.Problem(folder, FileName) is { } problem) throw new ModelException(problem + ".");
        if (ModelTextFiles.Read(folder, FileName) is not { } text) return [];
        JsonSettings generation = JsonSettings.Parse(text, FileName, message => new ModelException(message));
        return ModelConfigReader.Ids(generation, "eos_token_id");
    }
}
