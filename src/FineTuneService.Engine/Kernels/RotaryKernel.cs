using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Rotary embedding, https://arxiv.org/abs/2104.09864, with the halves of a head paired. As transformers: cosines, sines and each
/// product are rounded to the tokens' dtype.
/// </summary>
internal static class RotaryKernel
{
    /// <summary>Turns the first <paramref name="heads"/> heads of each token, in place.</summary>
    /// <param name="tokens">[tokens, at least heads·headDim] fp32 or bf16.</param>
    /// <param name="cos">[positions, headDim / 2] fp32.</param>
    /// <param name="sin">[positions, headDim / 2] fp32.</param>
    /// <param name="positions">int64 [tokens].</param>
    /// <param name="inverse">Turns back: the backward.</param>
    public static void Apply(Tensor tokens, Tensor cos, Tensor sin, Tensor positions, int heads, int headDim, bool inverse)
    {
        if (!tokens.is_cpu()) RotaryReference.Apply(tokens, cos, sin, positions, heads, headDim, inverse);
        else
        {
            var loop = new TokenRows(new(tokens), new(cos), new(sin), new(positions), heads, headDim, inverse);
            RowLoops.Run(loop, tokens.dtype, (int)tokens.size(0), heads * headDim);
        }
    }

    private readonly unsafe struct TokenRows(
        RowMemory tokens, RowMemory cos, RowMemory sin, RowMemory positions, int heads, int headDim, bool inverse) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int half = headDim / 2;
            TLanes sign = TLanes.Of(inverse ? -1 : 1);
            for (int token = first; token < end; token++)
            {
                int position = (int)positions.Row<long>(0)[token];
                float* cosines = cos.Row<float>(position), sines = sin.Row<float>(position);
                T* low = tokens.Row<T>(token);
                for (int head = 0; head < heads; head++, low += headDim)
                {
                    T* high = low + half;
                    for (int i = 0; i < half; i += TLanes.Count)
                    {
                        TLanes c = Lane.Rounded<TLanes, T>(Lane.Load<TLanes, float>(cosines + i, half - i));
                        TLanes s = Lane.Rounded<TLanes, T>(Lane.Load<TLanes, float>(sines + i, half - i)) * sign;
                        TLanes a = Lane.Load<TLanes, T>(low + i, half - i), b = Lane.Load<TLanes, T>(high + i, half - i);
                        Lane.Store(Lane.Rounded<TLanes, T>(a * c) - Lane.Rounded<TLanes, T>(b * s), low + i, half - i);
                        Lane.Store(Lane.Rounded<TLanes, T>(b * c) + Lane.Rounded<TLanes, T>(a * s), high + i, half - i);
                    }
                }
            }
        }
    }
}
