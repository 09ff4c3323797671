using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>
/// A base model: a Hugging Face folder (config.json, weights, tokenizer.json, tokenizer_config.json, generation_config.json) or a GGUF
/// file, in one precision. Its weights are frozen, and shared by every adapter that is trained or served on it.
/// </summary>
public sealed class BaseModel : IDisposable
{
    private readonly Tokenizer? _tokenizer;

    private BaseModel(ModelConfig config, BasePrecision precision, DecoderWeights weights, Tokenizer? tokenizer, ChatTemplate? template, IReadOnlyList<int> eosIds, string? folder)
    {
        (Config, Precision, Weights, _tokenizer, ChatTemplate, EosIds, Folder) = (config, precision, weights, tokenizer, template, eosIds, folder);
    }

    /// <summary>Where torch puts what nobody says otherwise of, as it names it: cpu, cuda.</summary>
    public static string DefaultDevice => get_default_device().type.ToString().ToLowerInvariant();

    /// <summary>Where the weights lie, as torch names it: cpu, cuda.</summary>
    public string Device => Weights.Device.type.ToString().ToLowerInvariant();

    public ModelConfig Config { get; }
    public BasePrecision Precision { get; }

    /// <exception cref="InvalidOperationException">The folder has no tokenizer.json.</exception>
    public Tokenizer Tokenizer => _tokenizer ?? throw new InvalidOperationException("the model has no tokenizer.json");

    /// <summary>How a conversation becomes a prompt, or null where the folder says nothing about it.</summary>
    public ChatTemplate? ChatTemplate { get; }

    /// <summary>Tokens that end an answer: all that <see cref="StopTokens"/> finds.</summary>
    public IReadOnlyList<int> EosIds { get; }

    /// <summary>Where it was loaded from; null where it was made.</summary>
    public string? Folder { get; }
    public long ParameterCount => Config.ParameterCount;

    /// <summary>Bytes of the weights in memory.</summary>
    public long Bytes => Weights.Bytes;

    internal DecoderWeights Weights { get; }

    /// <exception cref="ModelException">The folder is not a model that the Engine knows, or lacks something.</exception>
    /// <exception cref="TensorFileException">A weights file cannot be used.</exception>
    public static BaseModel Load(string folder, BasePrecision precision) => Load(ModelText.Load(folder), precision);

    /// <inheritdoc cref="Load(string, BasePrecision)"/>
    /// <param name="betweenLayers">Called between layers: others may work meanwhile.</param>
    public static BaseModel Load(ModelText text, BasePrecision precision, Action? betweenLayers = null)
    {
        using ModelFiles files = ModelFiles.Open(text.Folder);
        Checkpoint.Check(text.Config, files);
        DecoderWeights weights = WeightsOf(text.Config, Checkpoint.Named(text.Config, text.Config.Slots, files), precision, betweenLayers);
        return new BaseModel(text.Config, precision, weights, text.Tokenizer, text.ChatTemplate, text.EosIds, text.Folder);
    }

    /// <summary>A model of random weights: where full training starts from, and what benchmarks run.</summary>
    public static BaseModel Random(ModelConfig config, BasePrecision precision, ulong seed, Tokenizer? tokenizer = null, ChatTemplate? template = null) =>
        new(config, precision, WeightsOf(config, new RandomSource(config.Slots, config.InitializerRange, seed), precision, null), tokenizer, template, config.EosIds, null);

    /// <summary>Writes config.json and model.safetensors, and copies the tokenizer's files from <see cref="Folder"/> where it has one.</summary>
    /// <param name="dtype">Of every tensor in the file.</param>
    /// <param name="betweenTensors">Called between tensors: others may work meanwhile.</param>
    public void Save(string folder, ComputeDtype dtype, Action? betweenTensors = null)
    {
        using var pool = new BufferPool(Weights.Device);
        ModelSaver.Save(folder, Config, Weights, dtype.Stored(), (linear, part) =>
        {
            Tensor dense = linear.Dense(pool);
            Tensor rows = dense.narrow(0, part.Offset, part.Out).clone();
            pool.Return(dense);
            return rows;
        }, betweenTensors: betweenTensors);
        CopySideFiles(folder);
    }

    public void Dispose() => Weights.Dispose();

    private static DecoderWeights WeightsOf(ModelConfig config, ITensorSource source, BasePrecision precision, Action? betweenLayers) =>
        new WeightLoader(config.Slots, source, precision.Compute, precision.Format)
        {
            Norms = (config.Norm, config.QueryKeyNorm ?? config.Norm, config.Epsilon),
            BetweenLayers = betweenLayers,
        }.Load();

    /// <summary>Tokenizer, chat template and generation settings go with a model's weights.</summary>
    internal void CopySideFiles(string folder)
    {
        if (Folder is null) return;
        foreach (string name in ModelText.SideFiles)
        {
            string source = Path.Combine(Folder, name);
            if (File.Exists(source)) File.Copy(source, Path.Combine(folder, name), overwrite: true);
            else if (ModelTextFiles.Read(Folder, name) is { } text) File.WriteAllText(Path.Combine(folder, name), text);
        }
    }
}
