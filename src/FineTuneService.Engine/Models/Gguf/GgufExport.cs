using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Engine.Tokenizers.Conversion;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models.Gguf;

/// <summary>
/// Writes a model as one GGUF file, as llama.cpp's converter does: names, order of rows and types of its families, and the tokenizer, chat
/// template and settings as metadata. What a reader of the file would not learn is refused by name, so that the file is the model.
/// </summary>
public static class GgufExport
{
    /// <summary>Whoever sees the file sees all of it. A tensor at a time is in memory.</summary>
    /// <param name="model">A Hugging Face folder, a merged one for instance, or a GGUF file.</param>
    /// <param name="name">general.name.</param>
    /// <param name="betweenTensors">Called after each that is written: others may work meanwhile.</param>
    /// <exception cref="ModelException">GGUF cannot say something of the model, or the family is not written.</exception>
    /// <exception cref="TokenizerException">GGUF cannot say something of its tokenizer.</exception>
    /// <exception cref="TensorFileException">Its weights cannot be used.</exception>
    public static void Write(string model, string path, GgufFileType type, string name, Action? betweenTensors = null)
    {
        ModelConfig config = ModelConfig.Load(model);
        using var scope = NewDisposeScope();
        using ModelFiles files = ModelFiles.Open(model);
        Checkpoint.CheckHeaders(config, files);
        GgufLayout layout = LayoutOf(config);
        KeyValuePair<string, GgufValue>[] metadata =
        [
            new("general.architecture", GgufValue.Of(layout.Architecture)), new("general.name", GgufValue.Of(name)), new("general.type", GgufValue.Of("model")),
            new("general.file_type", GgufValue.Of((uint)type)), new("general.quantization_version", GgufValue.Of(2u)), .. GgufKeys.Of(config, layout), .. TokenizerKeys(model, config),
        ];
        var written = new GgufTensors(config, Checkpoint.Named(config, config.Slots, files), layout, type);
        ModelConfig read = GgufFit.Read(new GgufMetadata(Path.GetFileName(path), metadata.ToDictionary(pair => pair.Key, pair => pair.Value)), [.. written.All(1)], layout);
        GgufFit.Require(config, read);
        GgufWriter.Write(path, metadata, [.. written.All(GgufFit.QueryFactor(config, read))], betweenTensors);
    }

    private static GgufLayout LayoutOf(ModelConfig config)
    {
        GgufLayout layout = GgufLayouts.For(config.Family.ModelType, config.Slots.All.Select(slot => slot.Name))
            ?? throw new ModelException($"models of type {config.Family.ModelType} cannot be written as GGUF.");
        if (layout.OwnHead == config.TieWordEmbeddings)
            throw new ModelException($"the model cannot be written as GGUF: in {layout.Architecture} the head is {(config.TieWordEmbeddings ? "never" : "always")} the embedding table.");
        return layout;
    }

    /// <summary>A GGUF model's own keys as they are; else those that its files come to. A model without a tokenizer has none.</summary>
    private static IEnumerable<KeyValuePair<string, GgufValue>> TokenizerKeys(string model, ModelConfig config)
    {
        if (GgufPath.Of(model) is { } path) return GgufHeader.Read(path).Metadata.Values.Where(pair => pair.Key.StartsWith("tokenizer.", StringComparison.Ordinal));
        if (!Tokenizer.Exists(model)) return [];
        string json = ModelTextFiles.Read(model, "tokenizer.json") ?? SentencePieceTokenizer.Load(model).Json;
        IEnumerable<KeyValuePair<string, GgufValue>> keys = GgufTokenizerKeys.Of(json, Tokenizer.Load(model), config.VocabularySize);
        return ChatTemplateFiles.Source(model) is { } template ? keys.Append(new("tokenizer.chat_template", GgufValue.Of(template))) : keys;
    }
}
