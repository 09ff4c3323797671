namespace FineTuneService.Engine.Models;

/// <summary>A family of models that the decoder computes.</summary>
/// <param name="ModelType">config.json's model_type.</param>
/// <param name="Architectures">config.json's architectures that are its language model; the first is the one that is written.</param>
/// <param name="Read">Its traits, by config.json.</param>
internal sealed record Family(string ModelType, IReadOnlyList<string> Architectures, Func<ConfigJson, ModelConfig> Read)
{
    /// <summary>Of the module that holds all but the head; files may have it before every name, or before none, as transformers reads them.</summary>
    public string Prefix { get; init; } = "model.";
}
