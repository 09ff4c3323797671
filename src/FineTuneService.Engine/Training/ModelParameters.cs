using FineTuneService.Engine.Models;
using FineTuneService.Engine.Models.Operations;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>Every parameter of a model: fp32 masters, rounded into the model's own tensors after each update.</summary>
internal sealed class ModelParameters : TrainedParameters
{
    private readonly List<(Tensor Weight, Tensor Master, Tensor Gradient)> _parameters = [];

    public ModelParameters(DecoderWeights weights)
    {
        Tensor[] trained = [.. weights.Parameters];
        long length = trained.Sum(weight => weight.numel());
        Device device = weights.EmbedTokens.device;
        Values = zeros([length], ScalarType.Float32, device).DetachFromDisposeScope();
        GradientValues = zeros([length], ScalarType.Float32, device).DetachFromDisposeScope();
        long offset = 0;
        foreach (Tensor weight in trained)
        {
            (Tensor master, Tensor gradient) = (View(Values, offset, weight), View(GradientValues, offset, weight));
            master.copy_(weight);
            _parameters.Add((weight, master, gradient));
            offset += weight.numel();
        }
        Gradients = new Gradients(_parameters.Select(p => (p.Weight, p.Gradient)));
    }

    public override Tensor Values { get; }

    public override Tensor GradientValues { get; }

    public override Gradients Gradients { get; }

    public override void Changed() => _parameters.ForEach(p => p.Weight.copy_(p.Master));

    public override void Dispose()
    {
        foreach ((_, Tensor master, Tensor gradient) in _parameters)
        {
            master.Dispose();
            gradient.Dispose();
        }
        Values.Dispose();
        GradientValues.Dispose();
    }

    private static Tensor View(Tensor flat, long offset, Tensor weight)
    {
        using Tensor part = flat.narrow(0, offset, weight.numel());
        return part.view(weight.shape).DetachFromDisposeScope();
    }
}
