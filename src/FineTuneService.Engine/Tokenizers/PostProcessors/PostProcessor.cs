using System.Text.Json;
using FineTuneService.Engine.Tokenizers.Batches;

namespace FineTuneService.Engine.Tokenizers.PostProcessors;

/// <summary>Finishes a text's tokens: adds special ones, trims offsets.</summary>
internal abstract class PostProcessor
{
    /// <param name="addSpecialTokens">False: only what concerns the text's own tokens is done.</param>
    public abstract TokenSequence Process(TokenSequence tokens, bool addSpecialTokens);

    /// <summary>Finishes the texts of a batch's entry, one or a pair; what comes out is joined.</summary>
    public abstract IReadOnlyList<TextPart> Process(IReadOnlyList<TextPart> texts, bool addSpecialTokens);

    /// <summary>Special tokens that are added to so many texts.</summary>
    public virtual int Added(int texts) => 0;

    /// <summary>Reads a component of tokenizer.json's "post_processor".</summary>
    /// <exception cref="TokenizerException">A type that is not supported.</exception>
    public static PostProcessor Read(JsonElement json) => json.GetProperty("type").GetString() switch
    {
        "Sequence" => new PostProcessorSequence([.. json.GetProperty("processors").EnumerateArray().Select(Read)]),
        "TemplateProcessing" => TemplatePostProcessor.Read(json),
        "ByteLevel" => new ByteLevelPostProcessor(
            json.Flag("trim_offsets", absent: true), json.Flag("add_prefix_space", absent: true)),
        "BertProcessing" => TemplatePostProcessor.Around(json.GetProperty("cls"), json.GetProperty("sep"), isRoberta: false),
        "RobertaProcessing" => new PostProcessorSequence(
        [
            new ByteLevelPostProcessor(json.Flag("trim_offsets", absent: true), json.Flag("add_prefix_space", absent: true)),
            TemplatePostProcessor.Around(json.GetProperty("cls"), json.GetProperty("sep"), isRoberta: true),
        ]),
        var type => throw TokenizerException.Unsupported("post-processor", type ?? "null"),
    };
}
