namespace FineTuneService.Engine.Tokenizers.Conversion;

/// <summary>A tokenizer as the files of a Hugging Face folder would say it.</summary>
/// <param name="Json">The text of tokenizer.json.</param>
/// <param name="Config">The text of tokenizer_config.json.</param>
public sealed record TokenizerFiles(string Json, string Config)
{
    /// <exception cref="TokenizerException">A component that is not supported.</exception>
    public Tokenizer Parse() => Tokenizer.Parse(Json, Config);
}
