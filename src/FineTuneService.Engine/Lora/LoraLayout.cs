using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Lora;

/// <summary>
/// Where an adapter's tensors lie in its one contiguous buffer: all A, then all B, then the rest. It follows from the model's slots and the
/// config alone, so all adapters of one shape share it, and what an adapter holds can be counted before it exists.
/// </summary>
internal sealed class LoraLayout
{
    /// <summary>One for each linear layer of the decoder that is changed; layers that are one product (q, k, v; gate, up) are one entry.</summary>
    public required IReadOnlyList<AdaptedLayer> Layers { get; init; }

    /// <summary>Low-rank matrices of the input embeddings.</summary>
    public AdaptedEmbedding? Embedding { get; init; }

    /// <summary>The input embeddings' own table.</summary>
    public ReplacedModule? Table { get; init; }

    /// <summary>Rows of the input embeddings.</summary>
    public TokenRows? Tokens { get; init; }

    /// <summary>Norms of which weight or bias are replaced.</summary>
    public IReadOnlyList<ReplacedModule> Norms { get; init; } = [];

    /// <summary>Trained tokens of LLaMA-Adapter, a layer each, in the model's order.</summary>
    public IReadOnlyList<PromptLayer> Prompts { get; init; } = [];

    /// <summary>Pairs of single experts, which lie in <see cref="Layers"/>, as PEFT's files hold them together.</summary>
    public IReadOnlyList<StackedExperts> Stacked { get; init; } = [];

    /// <summary>Elements of the buffer: the adapter's parameters.</summary>
    public required long Length { get; init; }

    /// <summary>Every tensor, by its name in PEFT's files; of what is stacked there, by a name of its own.</summary>
    public IEnumerable<(string Key, View View)> Views =>
    [
        .. Embedding?.Views ?? [], .. Table?.Views ?? [], .. Tokens?.Views ?? [], .. Layers.SelectMany(layer => layer.Views),
        .. Norms.SelectMany(norm => norm.Views), .. Prompts.SelectMany(prompt => prompt.Views),
    ];

    /// <summary>There is nothing but A and B.</summary>
    public bool IsPlain => Prompts.Count == 0 && Embedding is null && Table is null && Tokens is null && Norms.Count == 0
        && Layers.All(layer => layer.Replaced.Count == 0 && layer.Tokens is null && layer.Modules.All(module => module.BiasOfB is null));

    /// <summary>A and B of the linear layers alone, where they lie here.</summary>
    public LoraLayout Matrices
    {
        get
        {
            AdaptedLayer[] layers =
                [.. Layers.Where(layer => layer.Modules.Count > 0).Select(layer => new AdaptedLayer(layer.Key, layer.A, [.. layer.Modules.Select(module => module with { Magnitude = null, BiasOfB = null })]))];
            return new LoraLayout { Layers = layers, Length = layers.SelectMany(layer => layer.Views).Select(entry => entry.View.Offset + entry.View.Length).DefaultIfEmpty().Max() };
        }
    }

    /// <param name="model">What the adapter is for.</param>
    /// <exception cref="ArgumentException">A target matches no layer, or the config is not one that can be trained.</exception>
    public static LoraLayout Of(ModelSlots model, LoraConfig config)
    {
        var targets = new LoraTargets(config);
        LoraLayout layout = new LoraLayoutBuilder(model, config, targets).Build();
        targets.RequireAllMatched();
        if (config.TrainableTokenIndices.Keys.FirstOrDefault(key => !layout.HasTokensOf(key)) is { } missing)
            throw new LoraOptionException("trainable_token_indices", $"trainable_token_indices names {missing}, which is neither the model's input embeddings nor its head");
        return layout;
    }

    private bool HasTokensOf(string key) =>
        key.Length == 0 || Layers.Select(layer => layer.Tokens).Append(Tokens).Any(rows => rows is not null && LoraTargets.EndsWith(rows.Module, key));

    /// <summary>The same of those targets that the model has; there may be none.</summary>
    /// <exception cref="ArgumentException">The config is not one that can be used.</exception>
    public static LoraLayout OfMatching(ModelSlots model, LoraConfig config) => new LoraLayoutBuilder(model, config, new LoraTargets(config)).Build();
}
