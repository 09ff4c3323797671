using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>torch's clip_grad_norm_, over one buffer of all gradients.</summary>
internal static class GradientClipping
{
    /// <param name="gradients">[length], fp32 or bf16.</param>
    public static double Norm(Tensor gradients)
    {
        using var scope = NewDisposeScope();
        return gradients.to_type(ScalarType.Float32).norm().item<float>();
    }

    /// <summary>Scales the gradients down to a norm of at most <paramref name="limit"/>.</summary>
    /// <param name="limit">Null does not clip.</param>
    public static void Clip(Tensor gradients, double norm, double? limit)
    {
        if (limit is { } most && most / (norm + 1e-6) is < 1 and var factor) gradients.mul_(factor);
    }
}
