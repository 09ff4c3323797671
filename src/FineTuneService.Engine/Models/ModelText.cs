using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Models;

/// <summary>
/// What a model's folder says beside its weights: its shape, tokenizer and templates. It holds no tensor, so any thread may make
/// prompts and rows with it, whatever the device does.
/// </summary>
/// <param name="Folder">Where it was read from.</param>
/// <param name="ChatTemplate">How a conversation becomes a prompt, or null where the folder says nothing about it.</param>
/// <param name="PromptTemplate">What a merged model's adapter was trained with; null for a base.</param>
/// <param name="EosIds">Tokens that end an answer.</param>
public sealed record ModelText(
    string Folder, ModelConfig Config, Tokenizer? Tokenizer, ChatTemplate? ChatTemplate, PromptTemplate? PromptTemplate, IReadOnlyList<int> EosIds)
{
    /// <exception cref="ModelException">The folder is not a model that the Engine knows.</exception>
    /// <exception cref="TokenizerException">Its tokenizer cannot be read.</exception>
    /// <exception cref="ChatTemplateException">Its chat template cannot be read.</exception>
    /// <exception cref="InvalidDataException">Its prompt template is not one.</exception>
    public static ModelText Load(string folder)
    {
        ModelConfig config = ModelConfig.Load(folder);
        Tokenizer? tokenizer = File.Exists(Path.Combine(folder, "tokenizer.json")) ? Tokenizer.Load(folder) : null;
        return new ModelText(folder, config, tokenizer, ChatTemplate.Load(folder), PromptTemplate.Load(folder), StopTokens.Of(folder, config, tokenizer));
    }
}
