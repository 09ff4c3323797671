using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Weights;

/// <summary>A norm's parameters.</summary>
/// <param name="Weight">[width] in the compute dtype; [heads, width] where each head has its own.</param>
/// <param name="Bias">As the weight, of layer norms that have one.</param>
internal sealed record NormWeight(NormKind Kind, Tensor Weight, Tensor? Bias, float Epsilon) : IDisposable
{
    /// <summary>Its module's name; of norms with a module for each head, the first's.</summary>
    public string Module { get; init; } = "";

    public long Bytes => (Weight.numel() + (Bias?.numel() ?? 0)) * Weight.element_size();

    /// <summary>Each once.</summary>
    public IEnumerable<Tensor> Tensors => Bias is null ? [Weight] : [Weight, Bias];

    public void Dispose()
    {
        Weight.Dispose();
        Bias?.Dispose();
    }
}
