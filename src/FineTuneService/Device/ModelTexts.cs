using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Device;

/// <summary>How an adapter's prompts are made: with the templates that it was trained with.</summary>
public sealed record AdapterText(PromptTemplate? PromptTemplate, ChatTemplate? ChatTemplate)
{
    /// <exception cref="InvalidDataException">Its prompt template is not one.</exception>
    /// <exception cref="ChatTemplateException">Its chat template cannot be read.</exception>
    public static AdapterText Load(string folder, ModelText model) => new(PromptTemplateFile.Load(folder), AdapterChatTemplate.Of(folder, model.ChatTemplate, model.Folder));
}

/// <summary>
/// Tokenizers and templates of models and adapters, read once and kept for the last that were used. They need no device: prompts are
/// made on the request's own thread, whoever trains or answers meanwhile. Safe for several threads at once.
/// </summary>
public sealed class ModelTexts(IOptions<FineTuneOptions> options)
{
    /// <summary>A tokenizer of a large vocabulary takes some 100 MB.</summary>
    private const int MostModels = 8;

    private readonly RecentlyUsed<ModelText> _models = new(MostModels);
    private readonly RecentlyUsed<AdapterText> _adapters = new(options.Value.MaxResidentAdapters);

    /// <inheritdoc cref="ModelText.Load"/>
    public ModelText Of(string folder) => _models.Get(folder, () => ModelText.Load(folder));

    /// <inheritdoc cref="AdapterText.Load"/>
    public AdapterText OfAdapter(string id, string folder, ModelText model) => _adapters.Get(id, () => AdapterText.Load(folder, model));

    public void Forget(string adapterIdOrFolder)
    {
        _models.Forget(adapterIdOrFolder);
        _adapters.Forget(adapterIdOrFolder);
    }
}
