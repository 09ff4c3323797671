using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class CausalSoftmaxKernelTests
{
    private const int Heads = 40, MostQueries = 15;

    // As bf16 holds it: libtorch 1.13 rounds a factor to its tensor's dtype, the kernel does not.
    private const float Scale = 1.75f;

    private const int Group = 2, KvHeads = 5;

    /// <summary>Columns are keys; then whether there are keys before the first query, and the rule.</summary>
    public static TheoryData<string, bool, int, bool, string> Cases =>
        new MatrixTheoryData<string, bool, int, bool, string>(KernelPaths.All, [false, true], KernelPaths.Columns, [false, true], ["plain", "window", "cap", "alibi", "packed", "packed alibi"]);

    [Theory, MemberData(nameof(Cases))]
    public void Forward_EveryPath_EqualsReference(string path, bool bf16, int keys, bool later, string kind)
    {
        using var on = new KernelPaths(path);
        (int queries, int offset) = Shape(keys, later);
        var places = new ScorePlaces(0, Group, KvHeads, queries, offset, keys);
        ScoreRule rule = Rule(kind, keys);
        Tensor scores = KernelPaths.Draw(1, KernelPaths.Dtype(bf16), Heads * queries, keys);
        var made = new Guarded(scores);
        CausalSoftmaxReference.Forward(scores, rule, places);
        CausalSoftmaxKernel.Forward(made.Values, rule, places);
        made.EqualTo(scores);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Backward_EveryPath_EqualsReference(string path, bool bf16, int keys, bool later, string kind)
    {
        using var on = new KernelPaths(path);
        (int queries, int offset) = Shape(keys, later);
        var places = new ScorePlaces(0, Group, KvHeads, queries, offset, keys);
        ScoreRule rule = Rule(kind, keys);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor scores = KernelPaths.Draw(1, dtype, Heads * queries, keys), dProbabilities = KernelPaths.Draw(2, dtype, Heads * queries, keys);
        Guarded made = new(scores), gradient = new(dProbabilities);
        CausalSoftmaxReference.Backward(scores, dProbabilities, rule, places);
        CausalSoftmaxKernel.Backward(made.Values, gradient.Values, rule, places);
        made.EqualTo(scores);
        gradient.EqualTo(dProbabilities);
    }

    private static ScoreRule Rule(string kind, int keys) => kind switch
    {
        "window" => new ScoreRule(Scale) { Window = 5 },
        "cap" => new ScoreRule(Scale) { SoftCap = 1.5f },
        "alibi" => new ScoreRule(Scale) { Slopes = [.. Enumerable.Range(1, Group * KvHeads).Select(i => i / 64f)] },
        // A sequence begins at every seventh token of the four rows.
        "packed" => new ScoreRule(Scale) { SequenceStarts = [.. Enumerable.Range(0, Heads / (Group * KvHeads) * keys).Select(i => i % keys / 7 * 7)] },
        "packed alibi" => Rule("packed", keys) with { Slopes = Rule("alibi", keys).Slopes },
        _ => new ScoreRule(Scale),
    };

    private static (int Queries, int Offset) Shape(int keys, bool later)
    {
        int queries = Math.Min(MostQueries, keys);
        return (queries, later ? keys - queries : 0);
    }
}
