using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora.Initialisations;

/// <summary>What a new adapter's A and B are; one class each. B is zero before.</summary>
internal abstract class Initialisation
{
    private static readonly Dictionary<string, Func<Initialisation>> All = new()
    {
        ["default"] = () => new Kaiming(),
        ["gaussian"] = () => new Gaussian(),
    };

    /// <summary>In PEFT's terms (init_lora_weights); default is its true.</summary>
    public static IReadOnlyCollection<string> Names => All.Keys;

    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static Initialisation Of(string name) => All.TryGetValue(name, out Func<Initialisation>? make)
        ? make() : throw new ArgumentException($"init_lora_weights '{name}' is not supported; use one of {string.Join(", ", Names)}");

    /// <summary>The base counts as changed by -scaling·B·A of the initial matrices, so that a new adapter changes nothing.</summary>
    public virtual bool ChangesBase => false;

    /// <param name="weight">The module's own weight, fp32 [out, in], where asked for.</param>
    /// <param name="random">Its own stream of random numbers.</param>
    public abstract void Fill(JoinedLoraPart part, Func<Tensor> weight, CounterRandom random);
}
