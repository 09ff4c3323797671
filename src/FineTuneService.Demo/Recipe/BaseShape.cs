using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Demo.Recipe;

/// <summary>The base model's shape: Llama's, with 1.8 million parameters.</summary>
internal static class BaseShape
{
    public const int ContextLength = 256;

    public static ModelConfig Of(Tokenizer tokenizer) => new()
    {
        VocabularySize = tokenizer.VocabularySize,
        HiddenSize = 192,
        IntermediateSize = 512,
        Layers = 4,
        Heads = 6,
        KeyValueHeads = 2,
        HeadDim = 32,
        MaxPositions = ContextLength,
        Epsilon = 1e-5f,
        TieWordEmbeddings = true,
        InitializerRange = 0.05f,
        EosIds = [tokenizer.EosId!.Value],
    };
}
