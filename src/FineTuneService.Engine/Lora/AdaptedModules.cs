using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Lora;

/// <summary>What an adapter has on one joined linear layer.</summary>
/// <param name="Key">Module of the joined layer's first part, targeted or not.</param>
/// <param name="A">[ranks, in]: the modules' A one under the other; null where none is targeted.</param>
/// <param name="Modules">Those with low-rank matrices.</param>
internal sealed record AdaptedLayer(string Key, View? A, IReadOnlyList<AdaptedModule> Modules)
{
    /// <summary>The base stores its weights [in, out] (PEFT's fan_in_fan_out); A and B have their usual shapes.</summary>
    public bool Transposed { get; init; }

    /// <summary>Modules whose weight or bias the adapter has its own of.</summary>
    public IReadOnlyList<ReplacedModule> Replaced { get; init; } = [];

    /// <summary>Outputs whose rows of the weight the adapter has its own of: the head's.</summary>
    public TokenRows? Tokens { get; init; }

    public IEnumerable<(string Key, View View)> Views =>
        [.. Modules.SelectMany(module => module.Views), .. Replaced.SelectMany(module => module.Views), .. Tokens?.Views ?? []];
}

/// <summary>The low-rank matrices of one module of a checkpoint.</summary>
/// <param name="Part">The module, and its outputs in the joined layer.</param>
/// <param name="RankOffset">First of its rows in the joined A.</param>
/// <param name="A">[rank, in].</param>
/// <param name="B">[out, rank].</param>
internal sealed record AdaptedModule(LinearPart Part, int RankOffset, int Rank, double Scaling, View A, View B)
{
    /// <summary>[out]: DoRA's.</summary>
    public View? Magnitude { get; init; }

    /// <summary>[out]: added times the scaling.</summary>
    public View? BiasOfB { get; init; }

    public IEnumerable<(string Key, View View)> Views
    {
        get
        {
            yield return (PeftKeys.A(Part.Module), A);
            yield return (PeftKeys.B(Part.Module), B);
            if (BiasOfB is not null) yield return (PeftKeys.BiasOfB(Part.Module), BiasOfB);
            if (Magnitude is not null) yield return (PeftKeys.Magnitude(Part.Module), Magnitude);
        }
    }
}

/// <summary>The low-rank matrices of an embedding table: row i becomes W[i] + scaling · (B·A[:, i]).</summary>
/// <param name="A">[rank, vocabulary].</param>
/// <param name="B">[width, rank].</param>
internal sealed record AdaptedEmbedding(string Module, double Scaling, View A, View B)
{
    public IEnumerable<(string Key, View View)> Views => [(PeftKeys.EmbeddingA(Module), A), (PeftKeys.EmbeddingB(Module), B)];
}

/// <summary>A module whose parameters the adapter has its own of: they replace the base's.</summary>
/// <param name="Part">The module, and its outputs in the joined layer; of a norm or an embedding, all.</param>
/// <param name="Weight">As the base's weight; null where only the bias is replaced.</param>
/// <param name="Adapted">The module is a target too.</param>
internal sealed record ReplacedModule(LinearPart Part, View? Weight, View? Bias, bool Adapted)
{
    public IEnumerable<(string Key, View View)> Views
    {
        get
        {
            if (Weight is not null) yield return (PeftKeys.Own(Part.Module, "weight", Adapted), Weight);
            if (Bias is not null) yield return (PeftKeys.Own(Part.Module, "bias", Adapted), Bias);
        }
    }
}

/// <summary>Rows of an embedding or of the head that the adapter has its own of.</summary>
/// <param name="Tokens">Their ids.</param>
/// <param name="Rows">[tokens, width], in the ids' order.</param>
/// <param name="Shared">They are the embedding's, in a head that is tied to it.</param>
internal sealed record TokenRows(string Module, IReadOnlyList<int> Tokens, View Rows, bool Shared = false)
{
    public IEnumerable<(string Key, View View)> Views => Shared ? [] : [(PeftKeys.Tokens(Module), Rows)];
}
