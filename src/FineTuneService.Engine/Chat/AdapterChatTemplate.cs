using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Chat;

/// <summary>
/// Which chat template an adapter answers with: its own (chat_template.jinja, or the one in its tokenizer_config.json), since it was
/// trained with that; else the base's. An adapter's own is used where the base has none, too.
/// </summary>
public static class AdapterChatTemplate
{
    /// <returns>Null where neither has one.</returns>
    /// <exception cref="ChatTemplateException">The adapter's template cannot be read.</exception>
    public static ChatTemplate? Of(string adapterFolder, BaseModel model) => Of(adapterFolder, model.ChatTemplate, model.Folder);

    /// <inheritdoc cref="Of(string, BaseModel)"/>
    public static ChatTemplate? Of(string adapterFolder, ModelText text) => Of(adapterFolder, text.ChatTemplate, text.Folder);

    /// <summary>Gives the adapter's own template, where it has one, to the folder of the model that it was merged into.</summary>
    public static void CopyTo(string modelFolder, string adapterFolder)
    {
        if (ChatTemplateFiles.Source(adapterFolder) is { } source) File.WriteAllText(Path.Combine(modelFolder, ChatTemplateFiles.FileName), source);
    }

    internal static ChatTemplate? Of(string adapterFolder, ChatTemplate? ofBase, string? baseFolder) =>
        ChatTemplate.LoadAdapters(adapterFolder, baseFolder) ?? ofBase;
}
