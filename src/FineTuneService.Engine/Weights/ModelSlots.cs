namespace FineTuneService.Engine.Weights;

/// <summary>
/// Every tensor of a model, said once: loading, checking, saving, drawing, counting, adapters' targets and full training are loops over it.
/// </summary>
internal sealed record ModelSlots
{
    /// <summary>config.json's model_type.</summary>
    public required string ModelType { get; init; }

    /// <summary>[vocabulary, width].</summary>
    public required Slot Embedding { get; init; }

    /// <summary>[positions, hidden], of models that learn them.</summary>
    public Slot? Positions { get; init; }

    /// <summary>From the embeddings' width to the hidden one, where they differ; and back before the head.</summary>
    public LinearSlot? ProjectIn { get; init; }

    public LinearSlot? ProjectOut { get; init; }

    public required IReadOnlyList<LayerSlots> Layers { get; init; }

    public NormSlot? FinalNorm { get; init; }

    public required LinearSlot Head { get; init; }

    /// <summary>The head's weight is the embedding table.</summary>
    public bool HeadIsTied { get; init; }

    /// <summary>Every linear layer in the order of the forward, the head last.</summary>
    public IEnumerable<LinearSlot> Linears =>
        [.. ProjectIn is null ? [] : (LinearSlot[])[ProjectIn], .. Layers.SelectMany(layer => layer.Linears), .. ProjectOut is null ? [] : (LinearSlot[])[ProjectOut], Head];

    public IEnumerable<NormSlot> Norms => [.. Layers.SelectMany(layer => layer.Norms), .. FinalNorm is null ? [] : (NormSlot[])[FinalNorm]];

    /// <summary>Every tensor that the checkpoint holds, once: a tied head's weight is the embedding's.</summary>
    public IEnumerable<Slot> All =>
    [
        Embedding, .. Positions is null ? [] : (Slot[])[Positions], .. Norms.SelectMany(norm => norm.Slots),
        .. Linears.SelectMany(linear => linear.IsHead && HeadIsTied ? linear.Biases : linear.Slots),
    ];

    public long ParameterCount => All.Sum(slot => slot.Count);
}

/// <summary>A decoder block's tensors; what a family does not have is null.</summary>
internal sealed record LayerSlots
{
    public NormSlot? BeforeAttention { get; init; }

    public NormSlot? AfterAttention { get; init; }

    public NormSlot? BeforeMlp { get; init; }

    public NormSlot? AfterMlp { get; init; }

    public NormSlot? QueryNorm { get; init; }

    public NormSlot? KeyNorm { get; init; }

    /// <summary>Queries, keys and values, of as many modules as the checkpoint has for them.</summary>
    public required LinearSlot Qkv { get; init; }

    public required LinearSlot O { get; init; }

    /// <summary>Gate and up, or up alone; null in a layer of experts.</summary>
    public LinearSlot? Up { get; init; }

    public LinearSlot? Down { get; init; }

    public ExpertSlots? Experts { get; init; }

    public IEnumerable<NormSlot> Norms => new[] { BeforeAttention, QueryNorm, KeyNorm, AfterAttention, BeforeMlp, AfterMlp }.OfType<NormSlot>();

    public IEnumerable<LinearSlot> Linears =>
        [Qkv, O, .. new[] { Up, Down }.OfType<LinearSlot>(), .. Experts is null ? [] : Experts.Linears];
}

/// <summary>A mixture of experts: a router and each expert's MLP.</summary>
/// <param name="Router">[experts, hidden].</param>
internal sealed record ExpertSlots(LinearSlot Router, IReadOnlyList<(LinearSlot Up, LinearSlot Down)> Experts)
{
    /// <summary>transformers' module that holds them all, whose parameters gate_up_proj and down_proj adapters may target.</summary>
    public required string Module { get; init; }

    public IEnumerable<LinearSlot> Linears => [Router, .. Experts.SelectMany(expert => new[] { expert.Up, expert.Down })];
}
