using System.Buffers;
using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>Softmax cross-entropy of rows of logits, and its gradient in the logits' place.</summary>
internal static class CrossEntropyKernel
{
    /// <param name="logits">[rows, vocabulary] fp32 or bf16: becomes the gradient by the logits, (softmax - one-hot) · gradientScale.</param>
    /// <param name="labels">int64 [rows], in 0…vocabulary-1.</param>
    /// <param name="losses">fp32 [rows], written: -log softmax at the label.</param>
    /// <param name="weights">fp32 [rows]: multiply the rows' gradients, not their losses; null: 1.</param>
    public static void ForwardBackward(Tensor logits, Tensor labels, Tensor losses, float gradientScale, Tensor? weights = null)
    {
        if (!logits.is_cpu()) CrossEntropyReference.ForwardBackward(logits, labels, losses, gradientScale, weights);
        else
        {
            var loop = new LogitRows(new(logits), new(labels), new(losses), weights is null ? null : new(weights), gradientScale);
            RowLoops.Run(loop, logits.dtype, (int)logits.size(0), (int)logits.size(1));
        }
    }

    private readonly unsafe struct LogitRows(RowMemory logits, RowMemory labels, RowMemory losses, RowMemory? weights, float gradientScale) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int vocabulary = logits.Width;
            float[] rented = ArrayPool<float>.Shared.Rent(vocabulary + TLanes.Count);
            fixed (float* exponentials = rented)
            {
                for (int row = first; row < end; row++)
                {
                    T* source = logits.Row<T>(row);
                    int label = (int)labels.Row<long>(0)[row];
                    float atLabel = TLanes.Sum(Lane.Load<TLanes, T>(source + label, 1));
                    float most = Largest<TLanes, T>(source, vocabulary);
                    float sum = Exponentials<TLanes, T>(source, vocabulary, most, exponentials);
                    losses.Row<float>(0)[row] = (float)(Math.Log(sum) + most - atLabel);

                    exponentials[label] -= sum; // softmax - 1, once divided by the sum
                    float scale = weights is { } given ? gradientScale * given.Row<float>(0)[row] : gradientScale;
                    TLanes factor = TLanes.Of(scale / sum);
                    for (int i = 0; i < vocabulary; i += TLanes.Count)
                        Lane.Store(TLanes.Load(exponentials + i) * factor, source + i, vocabulary - i);
                }
            }
            ArrayPool<float>.Shared.Return(rented);
        }

        private static float Largest<TLanes, T>(T* values, int count)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            TLanes most = TLanes.Of(float.NegativeInfinity);
            for (int i = 0; i < count; i += TLanes.Count)
                most = TLanes.Max(most, Lane.Load<TLanes, T>(values + i, count - i, float.NegativeInfinity));
            return TLanes.Largest(most);
        }

        private static float Exponentials<TLanes, T>(T* values, int count, float most, float* exponentials)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            TLanes sum = TLanes.Of(0);
            int whole = count - count % TLanes.Count;
            for (int i = 0; i < whole; i += TLanes.Count)
            {
                TLanes e = Lane.Exp(Lane.Load<TLanes, T>(values + i, TLanes.Count) - TLanes.Of(most));
                TLanes.Store(e, exponentials + i);
                sum += e;
            }
            float total = TLanes.Sum(sum);
            if (whole == count) return total;
            TLanes.Store(Lane.Exp(Lane.Load<TLanes, T>(values + whole, count - whole) - TLanes.Of(most)), exponentials + whole);
            for (int i = whole; i < count; i++) total += exponentials[i];
            return total;
        }
    }
}
