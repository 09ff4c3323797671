namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>
/// A fault inside a template; <see cref="Renderer"/> adds the line and makes a <see cref="ChatTemplateException"/> of it.
/// </summary>
internal sealed class JinjaError(string message, string? feature = null) : Exception(message)
{
    public string? Feature { get; } = feature;

    /// <summary>Something that Jinja has and this interpreter has not.</summary>
    public static JinjaError Unsupported(string feature) => new($"{feature} is not supported.", feature);
}
