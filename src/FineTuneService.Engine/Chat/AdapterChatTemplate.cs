namespace FineTuneService.Engine.Chat;

/// <summary>
/// Which chat template an adapter answers with: its own (chat_template.jinja, or the one in its tokenizer_config.json), since it was
/// trained with that; else the base's. An adapter's own is used where the base has none, too.
/// </summary>
public static class AdapterChatTemplate
{
    /// <param name="baseFolder">Where the base was loaded from; null where it was made.</param>
    /// <returns>Null where neither has one.</returns>
    /// <exception cref="ChatTemplateException">The adapter's template cannot be read.</exception>
    public static ChatTemplate? Of(string adapterFolder, ChatTemplate? ofBase, string? baseFolder) =>
        ChatTemplate.LoadAdapters(adapterFolder, baseFolder) ?? ofBase;

    /// <summary>A template of the adapter's that is about to be trained, with the base's special tokens.</summary>
    /// <exception cref="ChatTemplateException">It is none.</exception>
    public static ChatTemplate Parse(string source, string baseFolder) => ChatTemplate.ForBase(source, baseFolder);

    /// <summary>The text of the adapter's own template; null where it has none.</summary>
    /// <exception cref="ChatTemplateException">It cannot be read.</exception>
    public static string? SourceOf(string adapterFolder) => ChatTemplateFiles.Source(adapterFolder);

    /// <summary>Writes the template that an adapter was trained with into its folder: it answers with it.</summary>
    public static void Save(string source, string adapterFolder) => File.WriteAllText(Path.Combine(adapterFolder, ChatTemplateFiles.FileName), source);

    /// <summary>Gives the adapter's own template, where it has one, to the folder of the model that it was merged into.</summary>
    public static void CopyTo(string modelFolder, string adapterFolder)
    {
        if (ChatTemplateFiles.Source(adapterFolder) is { } source) File.WriteAllText(Path.Combine(modelFolder, ChatTemplateFiles.FileName), source);
    }
}
