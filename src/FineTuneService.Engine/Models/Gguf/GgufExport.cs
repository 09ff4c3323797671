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
        GgufLayout layout = GgufLayout.OfModelType(config.Family.ModelType) ?? throw new ModelException($"models of type {config.Family.ModelType} cannot be written as GGUF.");
        GgufOutput[] tensors = [.. Factors(config), .. Tensors(config, Checkpoint.Named(config, config.Slots, files), layout, type)];
        KeyValuePair<string, GgufValue>[] metadata =
        [
            new("general.architecture", GgufValue.Of(layout.Architecture)), new("general.name", GgufValue.Of(name)), new("general.type", GgufValue.Of("model")),
            new("general.file_type", GgufValue.Of((uint)type)), new("general.quantization_version", GgufValue.Of(2u)), .. GgufKeys.Of(config, layout), .. TokenizerKeys(model, config),
        ];
        GgufFit.Require(config, new GgufMetadata(Path.GetFileName(path), metadata.ToDictionary(pair => pair.Key, pair => pair.Value)), tensors, layout);
        GgufWriter.Write(path, metadata, tensors, betweenTensors);
    }

    private static IEnumerable<GgufOutput> Tensors(ModelConfig config, ITensorSource source, GgufLayout layout, GgufFileType type)
    {
        foreach ((string name, long[] shape) in config.Slots.All.Select(slot => (slot.Name, slot.Shape)))
        {
            string gguf = layout.ToGguf(name) ?? throw new ModelException($"tensor {name} has no name in GGUF's {layout.Architecture}.");
            yield return new GgufOutput(gguf, type.TypeOf(shape), shape, () => Values(config, source, layout, name, gguf));
        }
    }

    private static Tensor Values(ModelConfig config, ITensorSource source, GgufLayout layout, string name, string gguf)
    {
        using var scope = NewDisposeScope();
        Tensor values = source.Read(name);
        if (layout.PairedHeads(gguf, config.Heads, config.KeyValueHeads) is { } heads) values = HeadRows.ToPairs(values, heads);
        if (layout.IsPlusOne(gguf)) values = values.to_type(ScalarType.Float32) + 1;
        return values.MoveToOuterDisposeScope();
    }

    /// <summary>Scalings that GGUF stores as divisors of the frequencies.</summary>
    private static IEnumerable<GgufOutput> Factors(ModelConfig config) => config.RopeScaling switch
    {
        Llama3RopeScaling => [Factor(GgufConfig.Divisors, Divisors(config))],
        LongRopeScaling { AttentionFactor: 1 } same when same.Short.SequenceEqual(same.Long) => [Factor(GgufConfig.Divisors, same.Short)],
        LongRopeScaling scaling => [Factor(GgufConfig.LongFactors, scaling.Long), Factor(GgufConfig.ShortFactors, scaling.Short)],
        _ => [],
    };

    private static GgufOutput Factor(string name, IEnumerable<double> factors)
    {
        float[] values = [.. factors.Select(factor => (float)factor)];
        return new GgufOutput(name, GgufFileType.F32.TypeOf([values.Length]), [values.Length], () => tensor(values));
    }

    private static IEnumerable<double> Divisors(ModelConfig config)
    {
        RopeTraits rope = config.Rope(RopeUse.Global);
        return RotaryFrequencies.Of(rope with { Scaling = null }, 1).Inverse.Zip(RotaryFrequencies.Of(rope, 1).Inverse, (plain, scaled) => (double)plain / scaled);
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
