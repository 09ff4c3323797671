using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Rotary embedding, https://arxiv.org/abs/2104.09864, with the halves of a head paired, or its neighbours (GPT-J, Cohere). Dimensions past
/// twice the table's width stay as they are. As transformers: cosines, sines and each product are rounded to the tokens' dtype.
/// </summary>
internal static class RotaryKernel
{
    /// <summary>Turns the queries and keys of each token, in place.</summary>
    /// <param name="tokens">[tokens, slots·headDim] fp32 or bf16.</param>
    /// <param name="cos">[positions, turned dimensions / 2] fp32.</param>
    /// <param name="sin">As the cosines.</param>
    /// <param name="positions">int64 [tokens].</param>
    /// <param name="neighbours">Dimensions 2i and 2i + 1 are a pair, instead of i and i + half.</param>
    /// <param name="inverse">Turns back: the backward.</param>
    public static void Apply(Tensor tokens, Tensor cos, Tensor sin, Tensor positions, AttentionShape shape, bool neighbours, bool inverse)
    {
        if (!tokens.is_cpu()) RotaryReference.Apply(tokens, cos, sin, positions, shape, neighbours, inverse);
        else
        {
            var loop = new TokenRows(new(tokens), new(cos), new(sin), new(positions), shape, neighbours, inverse);
            RowLoops.Run(loop, tokens.dtype, (int)tokens.size(0), (shape.Heads + shape.KeyValueHeads) * shape.HeadDim);
        }
    }

    private readonly unsafe struct TokenRows(
        RowMemory tokens, RowMemory cos, RowMemory sin, RowMemory positions, AttentionShape shape, bool neighbours, bool inverse) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            // Queries and keys lie side by side: in one stretch, or in one for each key/value head.
            int stretches = shape.Grouped ? shape.KeyValueHeads : 1, headDim = shape.HeadDim, half = cos.Width;
            int turned = (shape.Heads + shape.KeyValueHeads) / stretches, stretch = shape.Slots / stretches * headDim;
            for (int token = first; token < end; token++)
            {
                int position = (int)positions.Row<long>(0)[token];
                float* cosines = cos.Row<float>(position), sines = sin.Row<float>(position);
                for (int i = 0; i < stretches; i++)
                {
                    T* low = tokens.Row<T>(token) + i * stretch;
                    for (int head = 0; head < turned; head++, low += headDim)
                    {
                        if (neighbours) TurnNeighbours<TLanes, T>(low, cosines, sines, half);
                        else TurnHalves<TLanes, T>(low, low + half, cosines, sines, half);
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void TurnHalves<TLanes, T>(T* low, T* high, float* cosines, float* sines, int half)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            TLanes sign = TLanes.Of(inverse ? -1 : 1);
            for (int i = 0; i < half; i += TLanes.Count)
            {
                TLanes c = Lane.Rounded<TLanes, T>(Lane.Load<TLanes, float>(cosines + i, half - i));
                TLanes s = Lane.Rounded<TLanes, T>(Lane.Load<TLanes, float>(sines + i, half - i)) * sign;
                TLanes a = Lane.Load<TLanes, T>(low + i, half - i), b = Lane.Load<TLanes, T>(high + i, half - i);
                Lane.Store(Lane.Rounded<TLanes, T>(a * c) - Lane.Rounded<TLanes, T>(b * s), low + i, half - i);
                Lane.Store(Lane.Rounded<TLanes, T>(b * c) + Lane.Rounded<TLanes, T>(a * s), high + i, half - i);
            }
        }

        /// <summary>Splits the pairs, turns them as halves, and puts them back.</summary>
        private void TurnNeighbours<TLanes, T>(T* head, float* cosines, float* sines, int half)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            T* low = stackalloc T[half], high = stackalloc T[half];
            for (int i = 0; i < half; i++) (low[i], high[i]) = (head[2 * i], head[2 * i + 1]);
            TurnHalves<TLanes, T>(low, high, cosines, sines, half);
            for (int i = 0; i < half; i++) (head[2 * i], head[2 * i + 1]) = (low[i], high[i]);
        }
    }
}
