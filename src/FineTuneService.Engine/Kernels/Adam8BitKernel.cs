using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Adam whose two moments are kept in 8 bits, as bitsandbytes' blockwise optimizers: the update uses the new moments before they are
/// rounded to their codes again.
/// </summary>
internal static class Adam8BitKernel
{
    /// <summary>One update of one parameter; its values and gradients are contiguous and of one dtype, fp32 or bf16.</summary>
    public static void Step(Tensor values, Tensor gradients, BlockCodes mean, BlockCodes meanSquare, AdamRates rates)
    {
        if (!values.is_cpu()) Adam8BitReference.Step(values, gradients, mean, meanSquare, rates);
        else
        {
            using Tensor flatValues = values.view(1, -1), flatGradients = gradients.view(1, -1);
            var loop = new BlockRows(new(flatValues), new(flatGradients), mean.Memory(), meanSquare.Memory(), rates);
            RowLoops.Run(loop, values.dtype, BlockCodes.Blocks(values.numel()), BlockCodes.BlockSize);
        }
    }

    private readonly unsafe struct BlockRows(
        RowMemory values, RowMemory gradients, BlockMemory mean, BlockMemory meanSquare, AdamRates rates) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            float* m = stackalloc float[BlockCodes.BlockSize], v = stackalloc float[BlockCodes.BlockSize];
            for (int block = first; block < end; block++)
            {
                int start = block * BlockCodes.BlockSize, count = Math.Min(BlockCodes.BlockSize, values.Width - start);
                mean.Read(block, m, count);
                meanSquare.Read(block, v, count);
                Update<TLanes, T>(values.Row<T>(0) + start, gradients.Row<T>(0) + start, m, v, count);
                mean.Write<TLanes>(block, m, count);
                meanSquare.Write<TLanes>(block, v, count);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Update<TLanes, T>(T* p, T* g, float* m, float* v, int count)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            for (int i = 0; i < count; i += TLanes.Count)
            {
                int left = count - i;
                TLanes value = Lane.Load<TLanes, T>(p + i, left);
                TLanes gradient = TLanes.MultiplyAdd(value, TLanes.Of(rates.L2), Lane.Load<TLanes, T>(g + i, left));
                TLanes average = Lane.Load<TLanes, float>(m + i, left) * TLanes.Of(rates.MeanKept) + gradient * TLanes.Of(rates.MeanShare);
                TLanes square = Lane.Load<TLanes, float>(v + i, left) * TLanes.Of(rates.SquareKept) + gradient * gradient * TLanes.Of(rates.SquareShare);
                TLanes root = TLanes.Sqrt(square) / TLanes.Of(rates.SquareCorrection) + TLanes.Of(rates.Epsilon);
                Lane.Store(value * TLanes.Of(rates.Decay) + TLanes.Of(rates.StepSize) * (average / root), p + i, left);
                Lane.Store(average, m + i, left);
                Lane.Store(square, v + i, left);
            }
        }
    }
}
