using System.Globalization;
using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora.Initialisations;

/// <summary>What a new adapter's A and B are; one class each. B is zero before.</summary>
internal abstract class Initialisation
{
    private const string PissaIterations = "pissa_niter_";
    private const int MostIterations = 100;

    private static readonly Dictionary<string, Func<Initialisation>> All = new()
    {
        ["default"] = () => new Kaiming(),
        ["gaussian"] = () => new Gaussian(),
        ["pissa"] = () => new Pissa(),
        ["olora"] = () => new Olora(),
        ["loftq"] = () => new Loftq(),
    };

    /// <summary>In PEFT's terms (init_lora_weights); default is its true. pissa_niter_N is taken too.</summary>
    public static IReadOnlyCollection<string> Names => [.. All.Keys, PissaIterations + "N"];

    /// <exception cref="LoraOptionException">There is none of that name.</exception>
    public static Initialisation Of(string name)
    {
        if (All.TryGetValue(name, out Func<Initialisation>? make)) return make();
        if (name.StartsWith(PissaIterations, StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(PissaIterations.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int iterations) && iterations is >= 1 and <= MostIterations)
            return new Pissa(iterations);
        string shown = name.Length > 40 ? name[..40] + "…" : name;
        throw new LoraOptionException("init_lora_weights", $"init_lora_weights '{shown}' is not supported; use one of {string.Join(", ", Names)}");
    }

    /// <summary>The base counts as changed by -scaling·B·A of the initial matrices, so that a new adapter changes nothing.</summary>
    public virtual bool ChangesBase => false;

    /// <summary>It asks for weights as the file has them, so the base must be one that rounds them otherwise.</summary>
    public virtual bool NeedsQuantizedBase => false;

    /// <param name="random">Its own stream of random numbers.</param>
    /// <exception cref="ArgumentException">The module is too small for the rank.</exception>
    public abstract void Fill(JoinedLoraPart part, ModuleWeights weights, CounterRandom random);

    /// <summary>A and B of the largest singular values of U·diag(S)·V, each with half of them: scaling·B·A is their part of the product.</summary>
    /// <param name="u">[out, values]; its first columns are taken.</param>
    /// <param name="s">Descending.</param>
    /// <param name="vh">[values, in].</param>
    protected static void Take(JoinedLoraPart part, Tensor u, Tensor s, Tensor vh)
    {
        using var scope = NewDisposeScope();
        Tensor roots = (s.narrow(0, 0, part.Rank) / part.Scaling).sqrt();
        part.A.copy_(roots.unsqueeze(1) * vh.narrow(0, 0, part.Rank));
        part.B.copy_(u.narrow(1, 0, part.Rank) * roots);
    }

    protected static void RequireRank(JoinedLoraPart part)
    {
        long most = Math.Min(part.A.shape[1], part.Out);
        if (part.Rank > most) throw new ArgumentException($"rank {part.Rank} is more than {part.Module} has singular values ({most}); take a lower rank, or init_lora_weights default");
    }
}
