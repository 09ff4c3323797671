using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>A buffer in an adapter's layout, and views of its tensors: the weights, their copy in the compute dtype, or their gradients.</summary>
internal sealed class LoraTensors : IDisposable
{
    private readonly Dictionary<string, JoinedLora> _joined = [];
    private readonly Dictionary<string, ReplacedPart> _norms = [];
    private readonly Dictionary<string, PromptTensors> _prompts = [];
    private readonly List<Tensor> _views = [];

    /// <param name="layout">Decides the length of the buffer.</param>
    public LoraTensors(LoraLayout layout, ScalarType dtype, Device device)
    {
        Layout = layout;
        Flat = zeros([layout.Length], dtype, device).DetachFromDisposeScope();
        foreach (AdaptedLayer layer in layout.Layers) _joined.Add(layer.Key, Joined(layer));
        foreach (ReplacedModule norm in layout.Norms) _norms.Add(norm.Part.Module, Replaced(norm));
        if (layout.Embedding is { } embedding) Embedding = new EmbeddingLora(embedding, ViewOf(embedding.A)!, ViewOf(embedding.B)!);
        foreach (PromptLayer prompt in layout.Prompts) _prompts.Add(prompt.Key, new PromptTensors(ViewOf(prompt.Prompt)!, ViewOf(prompt.Gate)!));
        Table = ViewOf(layout.Table?.Weight);
        Tokens = TokensOf(layout.Tokens);
    }

    public LoraLayout Layout { get; }

    /// <summary>[length]: everything.</summary>
    public Tensor Flat { get; }

    /// <summary>Every A and B by module name, in the order of the model.</summary>
    public IEnumerable<JoinedLoraPart> Parts => Layout.Layers.SelectMany(layer => _joined[layer.Key].Parts);

    /// <summary>Modules with a weight or bias of their own.</summary>
    public IEnumerable<ReplacedPart> ReplacedParts => [.. Layout.Layers.SelectMany(layer => _joined[layer.Key].Replaced), .. _norms.Values];

    public EmbeddingLora? Embedding { get; }

    /// <summary>[vocabulary, width]: the input embeddings' own.</summary>
    public Tensor? Table { get; }

    /// <summary>Rows of the input embeddings.</summary>
    public TokenTensors? Tokens { get; }

    /// <summary>Whether anything is on the input embeddings.</summary>
    public bool HasEmbedding => Embedding is not null || Table is not null || Tokens is not null;

    /// <summary>What is on a layer, or null where that is nothing.</summary>
    public JoinedLora? Of(LinearWeight linear) => _joined.GetValueOrDefault(linear.Parts[0].Module);

    /// <summary>The trained tokens beside a layer's joined queries, keys and values, or null.</summary>
    public PromptTensors? PromptOf(LinearWeight qkv) => _prompts.Count == 0 ? null : _prompts.GetValueOrDefault(qkv.Parts[0].Module);

    /// <summary>All of them, in the order of the model.</summary>
    public IEnumerable<PromptTensors> Prompts => Layout.Prompts.Select(prompt => _prompts[prompt.Key]);

    /// <summary>What replaces a norm's weight and bias, or null.</summary>
    public ReplacedPart? Of(NormWeight norm) => _norms.Count == 0 ? null : _norms.GetValueOrDefault(norm.Module);

    public bool IsNorm(string module) => _norms.ContainsKey(module);

    /// <summary>The matrices of one module, or null where it is not targeted.</summary>
    public JoinedLoraPart? this[string module] => Parts.FirstOrDefault(part => part.Module == module);

    public void Dispose()
    {
        _views.ForEach(view => view.Dispose());
        Flat.Dispose();
    }

    private JoinedLora Joined(AdaptedLayer layer) => new(ViewOf(layer.A), [.. layer.Modules.Select(module => new JoinedLoraPart(
        module, ViewOf(module.A)!, ViewOf(module.B)!)
    {
        Magnitude = ViewOf(module.Magnitude),
        BiasOfB = ViewOf(module.BiasOfB),
    })])
    {
        Replaced = [.. layer.Replaced.Select(Replaced)],
        Tokens = TokensOf(layer.Tokens),
    };

    private ReplacedPart Replaced(ReplacedModule module) => new(module.Part, ViewOf(module.Weight), ViewOf(module.Bias));

    private TokenTensors? TokensOf(TokenRows? rows)
    {
        if (rows is null) return null;
        Tensor ids = tensor([.. rows.Tokens.Select(id => (long)id)], device: Flat.device).DetachFromDisposeScope();
        _views.Add(ids);
        return new TokenTensors(ids, ViewOf(rows.Rows)!);
    }

    private Tensor? ViewOf(View? view)
    {
        if (view is null) return null;
        _views.Add(view.In(Flat).DetachFromDisposeScope());
        return _views[^1];
    }
}

/// <summary>What an adapter has on one joined linear layer.</summary>
/// <param name="A">[ranks, in]: the parts' A one under the other; null where there is no part.</param>
/// <param name="Parts">Modules with low-rank matrices.</param>
internal sealed record JoinedLora(Tensor? A, IReadOnlyList<JoinedLoraPart> Parts)
{
    public IReadOnlyList<ReplacedPart> Replaced { get; init; } = [];

    public TokenTensors? Tokens { get; init; }
}

/// <param name="Place">What it is of, and where.</param>
/// <param name="A">[rank, in].</param>
/// <param name="B">[out, rank].</param>
internal sealed record JoinedLoraPart(AdaptedModule Place, Tensor A, Tensor B)
{
    /// <summary>[out], of DoRA.</summary>
    public Tensor? Magnitude { get; init; }

    /// <summary>[out].</summary>
    public Tensor? BiasOfB { get; init; }

    public string Module => Place.Part.Module;

    /// <summary>First of the part's outputs in the joined layer.</summary>
    public int OutOffset => Place.Part.Offset;

    public int Out => Place.Part.Out;

    /// <summary>First of the part's rows in the joined A.</summary>
    public int RankOffset => Place.RankOffset;

    public int Rank => Place.Rank;

    public double Scaling => Place.Scaling;
}

/// <summary>A module's own weight and bias, in place of the base's; null: the base's stays.</summary>
/// <param name="Weight">[out, in], or a norm's [width].</param>
/// <param name="Bias">[out].</param>
internal sealed record ReplacedPart(LinearPart Part, Tensor? Weight, Tensor? Bias);

/// <param name="A">[rank, vocabulary].</param>
/// <param name="B">[width, rank].</param>
internal sealed record EmbeddingLora(AdaptedEmbedding Place, Tensor A, Tensor B);

/// <param name="Ids">int64 [tokens].</param>
/// <param name="Rows">[tokens, width].</param>
internal sealed record TokenTensors(Tensor Ids, Tensor Rows);
