namespace FineTuneService.Adapters;

/// <summary>The body of POST /v1/adapters/combine.</summary>
public sealed record CombineRequest
{
    /// <summary>1 to 32 adapters of yours, all of one base.</summary>
    public required IReadOnlyList<CombinedAdapterBody> Adapters { get; init; }

    /// <summary>cat: the weighted sum of what the adapters do, exactly, of the sum of their ranks. svd: its best approximation of svd_rank. linear: PEFT's
    /// formula, of the adapters' own rank, which must be the same.</summary>
    public required string CombinationType { get; init; }

    /// <summary>1…2048, with svd; the largest of the adapters' ranks unless given.</summary>
    public int? SvdRank { get; init; }

    /// <summary>Becomes part of the adapter's name.</summary>
    public string? Suffix { get; init; }
}

/// <param name="Id">An adapter's or a checkpoint's, or its name as a model.</param>
/// <param name="Weight">-1000…1000; below 0 what it learned is taken off.</param>
public sealed record CombinedAdapterBody(string Id, double Weight);

/// <summary>What an adapter was combined of: the same adapters in the same order make the same bytes again.</summary>
public sealed record CombinationLineage(string CombinationType, IReadOnlyList<CombinedFrom> Adapters, int? SvdRank = null);

/// <param name="Sha256">Of its weights' file, in hex; it may have been deleted since.</param>
public sealed record CombinedFrom(string Id, string Model, double Weight, string Sha256);
