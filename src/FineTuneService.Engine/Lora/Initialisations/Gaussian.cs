using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora.Initialisations;

/// <summary>A normal with deviation 1/rank.</summary>
internal sealed class Gaussian : Initialisation
{
    public override void Fill(JoinedLoraPart part, ModuleWeights weights, CounterRandom random) => Draw(part.A, 1.0 / part.Rank, random);

    /// <summary>Box and Muller's transform of two uniform numbers each.</summary>
    public static void Draw(Tensor into, double deviation, CounterRandom random)
    {
        var values = new float[into.numel()];
        for (long i = 0; i < values.Length; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.Unit((ulong)(2 * i))));
            values[i] = (float)(deviation * radius * Math.Cos(2 * Math.PI * random.Unit((ulong)(2 * i + 1))));
        }
        using Tensor drawn = tensor(values);
        into.copy_(drawn.view(into.shape));
    }
}
