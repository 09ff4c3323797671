using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>Lion whose mean is kept in 8 bits, as bitsandbytes' blockwise optimizers.</summary>
internal static class Lion8BitKernel
{
    /// <summary>One update of one parameter; its values and gradients are contiguous and of one dtype, fp32 or bf16.</summary>
    public static void Step(Tensor values, Tensor gradients, BlockCodes mean, LionRates rates)
    {
        if (!values.is_cpu()) Lion8BitReference.Step(values, gradients, mean, rates);
        else
        {
            using Tensor flatValues = values.view(1, -1), flatGradients = gradients.view(1, -1);
            RowLoops.Run(
                new BlockRows(new(flatValues), new(flatGradients), mean.Memory(), rates), values.dtype,
                BlockCodes.Blocks(values.numel()), BlockCodes.BlockSize);
        }
    }

    private readonly unsafe struct BlockRows(RowMemory values, RowMemory gradients, BlockMemory mean, LionRates rates) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            float* m = stackalloc float[BlockCodes.BlockSize];
            for (int block = first; block < end; block++)
            {
                int start = block * BlockCodes.BlockSize, count = Math.Min(BlockCodes.BlockSize, values.Width - start);
                mean.Read(block, m, count);
                Update<TLanes, T>(values.Row<T>(0) + start, gradients.Row<T>(0) + start, m, count);
                mean.Write<TLanes>(block, m, count);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Update<TLanes, T>(T* p, T* g, float* m, int count)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            for (int i = 0; i < count; i += TLanes.Count)
            {
                int left = count - i;
                TLanes gradient = Lane.Load<TLanes, T>(g + i, left), average = Lane.Load<TLanes, float>(m + i, left);
                TLanes direction = TLanes.Sign(average * TLanes.Of(rates.Beta1) + gradient * TLanes.Of(rates.Share1));
                TLanes decayed = Lane.Load<TLanes, T>(p + i, left) * TLanes.Of(rates.Decay);
                Lane.Store(decayed - direction * TLanes.Of(rates.LearningRate), p + i, left);
                Lane.Store(average * TLanes.Of(rates.Beta2) + gradient * TLanes.Of(rates.Share2), m + i, left);
            }
        }
    }
}
