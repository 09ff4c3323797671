using System.Text.Json;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Kernels.Gates;

namespace FineTuneService.Engine.Models;

/// <summary>
/// config.json as a family reads it. What it has read is remembered: a key that would change the arithmetic and that the family did not ask for
/// is refused by name (<see cref="ModelConfigKeys"/>).
/// </summary>
internal sealed class ConfigJson(JsonSettings settings, string text)
{
    public const string File = "config.json";

    // Several times the largest model that there is. They bound what a config alone can make the service allocate or count.
    private const int MostLayers = 4096, MostHeads = 4096, MostHeadDim = 4096, MostWidth = 1 << 20, MostTokens = 1 << 24;

    private readonly HashSet<string> _read = [];

    public JsonSettings Settings => settings;

    public bool WasRead(string name) => _read.Contains(name);

    /// <summary>Marks keys that this family's arithmetic here does not depend on.</summary>
    public void PassOver(params IEnumerable<string> names) => _read.UnionWith(names);

    /// <summary>Dropout of the base's own training. Adapters are trained here without it, so it may have any value.</summary>
    public void PassOverDropout() => PassOver(settings.Names.Where(name => name.Contains("drop", StringComparison.Ordinal)));

    public int? Int(string name, int least = 0, int most = int.MaxValue) => settings.Whole(Read(name), least, most);

    public int Required(string name, int most, params string[] aliases)
    {
        string found = Array.Find([name, .. aliases], settings.Has) ?? name;
        return Int(found, 1, most) ?? throw new ModelException($"{File}: {name} is missing.");
    }

    public bool Flag(string name, bool otherwise = false) => settings.Flag(Read(name)) ?? otherwise;

    public string? Text(string name) => settings.Text(Read(name));

    public float? Float(string name, double least = 0, double most = 1e30) =>
        settings.Number(Read(name)) is not { } number || (number >= least && number <= most)
            ? (float?)settings.Number(name) : throw settings.Wrong(name, settings[name]!.Value, $"{least} to {most}");

    /// <summary>A list of whole numbers or flags, or null.</summary>
    public int[]? Ints(string name) => settings[Read(name)] is not { } list ? null : list.ValueKind == JsonValueKind.Array
        ? [.. list.EnumerateArray().Select(item => item.ValueKind switch
        {
            JsonValueKind.True => 1,
            JsonValueKind.False => 0,
            JsonValueKind.Number when item.TryGetInt32(out int number) => number,
            _ => throw settings.Wrong(name, list, "a list of whole numbers"),
        })] : throw settings.Wrong(name, list, "a list of whole numbers");

    public string[]? Texts(string name) => settings[Read(name)] is not { } list ? null : list.ValueKind == JsonValueKind.Array
        ? [.. list.EnumerateArray().Select(item => settings.TextOf(name, item))] : throw settings.Wrong(name, list, "a list of texts");

    /// <summary>The activation function by its name in transformers.</summary>
    public GateKind Gate(string name, string otherwise = "silu") => (Text(name) ?? otherwise) switch
    {
        "silu" or "swish" => GateKind.Silu,
        "gelu" => GateKind.Gelu,
        "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" or "gelu_python_tanh" => GateKind.GeluTanh,
        "relu" => GateKind.Relu,
        "relu2" => GateKind.SquaredRelu,
        string other => throw new ModelException($"{File}: {name} {other} is not supported: the Engine computes silu, gelu, gelu_new, relu and relu2."),
    };

    /// <summary>What every family has, by the names most of them give it, with Llama's traits for the rest.</summary>
    /// <param name="tied">tie_word_embeddings where the key is missing.</param>
    /// <param name="theta">rope_theta where the key is missing.</param>
    /// <param name="partial">partial_rotary_factor where the key is missing; null: heads are turned whole.</param>
    /// <param name="intermediate">intermediate_size where the key is missing, by the hidden size; null: it must be there.</param>
    public ModelConfig Model(
        bool tied = false, double theta = 10000, double? partial = null, Func<int, int>? intermediate = null, double epsilon = 1e-6, JsonSettings? rope = null)
    {
        PassOver("max_window_layers", "initializer_range");
        int hidden = Required("hidden_size", MostWidth, "n_embd"), heads = Required("num_attention_heads", MostHeads, "n_head");
        int positions = Int(settings.Has("n_positions") && !settings.Has("max_position_embeddings") ? "n_positions" : "max_position_embeddings", 1) ?? 2048;
        if (hidden % heads != 0 && !settings.Has("head_dim")) throw new ModelException($"{File}: num_attention_heads {heads} does not divide hidden_size {hidden}.");
        int headDim = Int("head_dim", 1, MostHeadDim) ?? hidden / heads;
        RopeReading rotary = RopeSettings.Read(settings, positions, headDim, theta, partial, rope);
        return new ModelConfig
        {
            HiddenSize = hidden,
            IntermediateSize = intermediate is not null && !settings.Has("intermediate_size")
                ? intermediate(hidden) : Required("intermediate_size", MostWidth),
            Layers = Required("num_hidden_layers", MostLayers, "n_layer"),
            Heads = heads,
            KeyValueHeads = Int("num_key_value_heads", 1, MostHeads) ?? heads,
            HeadDim = headDim,
            VocabularySize = Required("vocab_size", MostTokens),
            Epsilon = Epsilon(epsilon),
            RopeTheta = rotary.Theta,
            RopeScaling = rotary.Scaling,
            RotaryDims = rotary.Dims,
            MaxPositions = positions,
            TieWordEmbeddings = Flag("tie_word_embeddings", tied),
            InitializerRange = Float("initializer_range", 0, 1) ?? 0.02f,
            BosId = ModelConfigReader.Ids(settings, "bos_token_id") is [var bos, ..] ? bos : null,
            EosIds = ModelConfigReader.Ids(settings, "eos_token_id"),
            Json = text,
        };
    }

    private float Epsilon(double otherwise)
    {
        string? name = Array.Find(["rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps"], name => settings[name] is not null);
        return name is null ? (float)otherwise : Float(name, 0, 1)!.Value;
    }

    private string Read(string name)
    {
        _read.Add(name);
        return name;
    }
}
