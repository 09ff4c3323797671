using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Operations;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>
/// One layer of the decoder: attention and gated MLP, each of a norm of the residual stream and added back to it. The norm that
/// follows the block is taken as its output is added.
/// </summary>
internal static class DecoderBlock
{
    /// <param name="stream">[tokens, hidden]: the residual stream.</param>
    /// <param name="normed">[tokens, hidden]: its norm by this layer's input norm.</param>
    /// <param name="nextNorm">[hidden]: weight of the norm after this layer, the next layer's or the decoder's last.</param>
    /// <param name="attend">Attention over the joined queries, keys and values.</param>
    /// <returns>The stream after the block, and its norm.</returns>
    public static (Activation Stream, Activation Normed) Forward(
        Activation stream, Activation normed, LayerWeights layer, Tensor nextNorm, float epsilon, Func<Activation, Activation> attend, Pass pass)
    {
        using var scope = NewDisposeScope();
        Activation mixed = attend(Linear.Forward(normed, layer.Qkv, pass));
        (stream, normed) = RmsNorm.AddForward(stream, Linear.Forward(mixed, layer.O, pass), layer.PostAttentionNorm, epsilon, pass);
        Activation gated = SwiGlu.Forward(Linear.Forward(normed, layer.GateUp, pass), pass);
        return RmsNorm.AddForward(stream, Linear.Forward(gated, layer.Down, pass), nextNorm, epsilon, pass);
    }
}
