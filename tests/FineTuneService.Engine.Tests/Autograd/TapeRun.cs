using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Operations;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Autograd;

/// <summary>Operations on a tape of their own, forward and backward.</summary>
internal sealed class TapeRun : IDisposable
{
    private readonly Tape _tape = new();

    public BufferPool Pool { get; } = new(CPU);

    /// <summary>A pass whose first <paramref name="tokens"/> tokens go through the adapter.</summary>
    public Pass Pass(Gradients? gradients = null, Adapter? adapter = null, int tokens = 0, Dropout? dropout = null) => new(Pool, _tape)
    {
        Gradients = gradients,
        Adapters = adapter is null ? [] : [new AdapterRows(adapter, 0, tokens)],
        Dropout = dropout,
    };

    /// <summary>A copy, as some operations write into what they are given.</summary>
    public static Activation Input(Tensor x) => new(x.clone(), needsGrad: true, new BufferPool(CPU));

    /// <summary>Runs the backward from the gradients of the outputs.</summary>
    public void Backward(params (Activation Output, Tensor Gradient)[] outputs)
    {
        foreach ((Activation output, Tensor gradient) in outputs) output.TakeGradient(gradient.clone());
        _tape.Backward();
    }

    public void Dispose() => Pool.Dispose();
}
