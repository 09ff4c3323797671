using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Lora;

/// <summary>Lays an adapter's tensors out: what each module gets, and where.</summary>
internal sealed class LoraLayoutBuilder(ModelSlots model, LoraConfig config, LoraTargets targets)
{
    private readonly string _embedding = ModuleOf(model.Embedding.Name);
    private readonly ExpertParameters _experts = new(model, targets);
    private long _length;

    public LoraLayout Build()
    {
        LoraRules.Require(config);
        if (config.Prompt is { } prompt) return PromptLayer.Layout(model, prompt);
        bool saved = targets.IsSaved(_embedding);
        LoraSettings? embedding = targets.For(_embedding, TargetKind.Embedding);
        TokenRows? tokens = null;
        Chosen[] chosen = [.. model.Linears.Select(linear => Choose(linear, embedding)).OfType<Chosen>()];

        // All A lie together, and all B: LoRA+ is two ranges of the buffer.
        View? embeddingA = embedding is { } low ? Take(low.Rank, model.Embedding.Shape[0]) : null;
        foreach (Chosen layer in chosen) layer.A = [.. layer.Parts.Select(part => Take(part.Settings.Rank, layer.Linear.In))];
        View? embeddingB = embedding is { } low2 ? Take(model.Embedding.Shape[1], low2.Rank) : null;
        foreach (Chosen layer in chosen) layer.B = [.. layer.Parts.Select(part => Take(part.Part.Out, part.Settings.Rank))];
        if (config.TrainableTokenIndices.Count > 0) tokens = Tokens(_embedding);
        if ((embedding is not null && (tokens is not null || config.UseDora)) || (saved && tokens is not null))
            throw new LoraOptionException(embedding is not null && config.UseDora ? "use_dora" : "trainable_token_indices", $"{_embedding} takes low-rank matrices without use_dora, trainable_token_indices or modules_to_save: one of them");
        ReplacedModule? table = saved ? new ReplacedModule(new LinearPart(_embedding, 0, 0), Take(model.Embedding.Shape), null, Adapted: false) : null;
        AdaptedLayer[] layers = [.. chosen.Select(layer => Layer(layer, tokens))];
        return new LoraLayout
        {
            Embedding = embedding is { } settings ? new AdaptedEmbedding(_embedding, settings.Scaling, embeddingA!, embeddingB!) : null,
            Table = table,
            Tokens = tokens,
            Layers = layers,
            Stacked = [.. _experts.Stacked(layers)],
            Norms = [.. model.Norms.SelectMany(Norm)],
            Length = _length,
        };
    }

    /// <summary>What the adapter has on a layer, or null where it is nothing.</summary>
    private Chosen? Choose(LinearSlot linear, LoraSettings? embedding)
    {
        var chosen = new Chosen(linear);
        bool isRouter = linear is { StaysDense: true, IsHead: false }; // A router's choice is the base's.
        (LinearPart, LoraSettings)? expert = _experts.Find(linear);
        if (expert is { } whole) chosen.Parts.Add(whole);
        // In PEFT all-linear takes no expert: transformers holds them in parameters.
        bool takesNone = isRouter || (expert is not null && config.TargetModules is [LoraConfig.AllLinear or LoraConfig.AllLinearAndHead]);
        foreach (LinearPart part in linear.Parts)
        {
            LoraSettings? settings = takesNone ? null : targets.For(part.Module, linear.IsHead ? TargetKind.Head : TargetKind.Linear);
            bool follows = linear.IsHead && model.HeadIsTied && config.EnsureWeightTying;
            if (follows) settings ??= embedding;
            bool saved = targets.IsSaved(part.Module) || (follows && targets.IsSaved(_embedding));
            if (saved && isRouter) throw new LoraOptionException("modules_to_save", $"modules_to_save: {part.Module} is a router, which stays the base's");
            if (settings is not null && expert is not null)
                throw new LoraOptionException("target_parameters", $"target_parameters and target_modules both name {part.Module}; leave one out");
            if (saved) chosen.Saved.Add(part);
            else if (settings is { } low) chosen.Parts.Add((part, low));
            if (linear.Bias && (saved || config.Bias == LoraBias.All || (config.Bias == LoraBias.LoraOnly && settings is not null))) chosen.Biased.Add(part);
        }
        bool hasTokens = linear.IsHead && HeadTokens() is not null;
        return chosen.Parts.Count + chosen.Saved.Count + chosen.Biased.Count > 0 || hasTokens ? chosen : null;
    }

    private AdaptedLayer Layer(Chosen layer, TokenRows? embeddingTokens)
    {
        var modules = new List<AdaptedModule>();
        int rankOffset = 0;
        foreach ((int i, (LinearPart part, LoraSettings settings)) in layer.Parts.Index())
        {
            modules.Add(new AdaptedModule(part, rankOffset, settings.Rank, settings.Scaling, layer.A[i], layer.B[i])
            {
                Magnitude = config.UseDora ? Take(part.Out) : null,
                BiasOfB = config.BiasOfB ? Take(part.Out) : null,
            });
            rankOffset += settings.Rank;
        }
        return new AdaptedLayer(layer.Linear.Parts[0].Module, rankOffset == 0 ? null : new View(layer.A[0].Offset, [rankOffset, layer.Linear.In]), modules)
        {
            Transposed = layer.Linear.Transposed,
            Replaced = [.. layer.Linear.Parts.Where(part => layer.Saved.Contains(part) || layer.Biased.Contains(part)).Select(part => new ReplacedModule(
                part, layer.Saved.Contains(part) ? Take(part.Out, layer.Linear.In) : null, layer.Biased.Contains(part) ? Take(part.Out) : null,
                Adapted: modules.Exists(module => module.Part == part)))],
            Tokens = layer.Linear.IsHead && HeadTokens() is { } key ? HeadRows(layer.Linear, key, embeddingTokens) : null,
        };
    }

    private IEnumerable<ReplacedModule> Norm(NormSlot norm)
    {
        bool saved = norm.Modules.Any(targets.IsSaved), biased = norm.Bias && (saved || config.Bias == LoraBias.All);
        if (!saved && !biased) yield break;
        if (norm.Modules.Count > 1 || norm.Shape.Length > 1) throw new LoraOptionException(saved ? "modules_to_save" : "bias", $"{norm.Modules[0]}: norms of single heads cannot be trained with an adapter");
        yield return new ReplacedModule(new LinearPart(norm.Modules[0], 0, 0), saved ? Take(norm.Shape) : null, biased ? Take(norm.Shape) : null, Adapted: false);
    }

    /// <summary>The key of the option that the head's rows follow: its own, or, where it is tied, that of the embeddings.</summary>
    private string? HeadTokens() =>
        config.TrainableTokenIndices.Keys.FirstOrDefault(key => key.Length > 0 && LoraTargets.EndsWith(model.Head.Parts[0].Module, key))
        ?? (model.HeadIsTied ? EmbeddingKey() : null);

    private string? EmbeddingKey() => config.TrainableTokenIndices.Keys.FirstOrDefault(key => key.Length == 0 || LoraTargets.EndsWith(_embedding, key));

    private TokenRows? Tokens(string module) => EmbeddingKey() is { } key ? Rows(module, key) : null;

    private TokenRows HeadRows(LinearSlot head, string key, TokenRows? embedding)
    {
        string module = head.Parts[0].Module;
        bool own = key.Length > 0 && LoraTargets.EndsWith(module, key);
        return own ? Rows(module, key) : embedding! with { Module = module, Shared = true };
    }

    private TokenRows Rows(string module, string key)
    {
        IReadOnlyList<int> ids = config.TrainableTokenIndices[key];
        if (ids.Max() >= model.Embedding.Shape[0])
            throw new LoraOptionException("trainable_token_indices", $"trainable_token_indices has id {ids.Max()}, outside the vocabulary of {model.Embedding.Shape[0]}");
        return new TokenRows(module, ids, Take(ids.Count, model.Embedding.Shape[1]));
    }

    private View Take(params long[] shape)
    {
        var view = new View(_length, shape);
        _length += view.Length;
        return view;
    }

    private static string ModuleOf(string tensor) => tensor[..tensor.LastIndexOf('.')];

    private sealed class Chosen(LinearSlot linear)
    {
        public LinearSlot Linear { get; } = linear;

        public List<(LinearPart Part, LoraSettings Settings)> Parts { get; } = [];

        public List<LinearPart> Saved { get; } = [];

        public List<LinearPart> Biased { get; } = [];

        public View[] A { get; set; } = [];

        public View[] B { get; set; } = [];
    }
}
