using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>Rows of a table by index, and the way back.</summary>
internal static class EmbeddingKernel
{
    /// <summary>output[i] = table[indices[i]].</summary>
    /// <param name="table">[entries, width] fp32 or bf16.</param>
    /// <param name="indices">int64 [rows].</param>
    /// <param name="output">[rows, width] of the table's dtype, written.</param>
    public static void Gather(Tensor table, Tensor indices, Tensor output)
    {
        if (!table.is_cpu()) EmbeddingReference.Gather(table, indices, output);
        else RowLoops.Run(new GatheredRows(new(table), new(indices), new(output)), table.dtype, (int)output.size(0), (int)output.size(1));
    }

    /// <summary>into[indices[i]] += rows[i], in the order of i.</summary>
    /// <param name="rows">[rows, width] fp32 or bf16.</param>
    /// <param name="into">[entries, width] fp32, or of the rows' dtype.</param>
    public static void ScatterAdd(Tensor rows, Tensor indices, Tensor into)
    {
        if (!rows.is_cpu()) EmbeddingReference.ScatterAdd(rows, indices, into);
        else
        {
            // Equal indices may meet anywhere, so the work is split by columns.
            int blocks = ((int)rows.size(1) + AddedColumns.Block - 1) / AddedColumns.Block;
            RowLoops.Run(new AddedColumns(new(rows), new(indices), new(into)), rows.dtype, blocks, AddedColumns.Block * (int)rows.size(0));
        }
    }

    private readonly unsafe struct GatheredRows(RowMemory table, RowMemory indices, RowMemory output) : IRowLoop
    {
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            long* entries = indices.Row<long>(0);
            for (int row = first; row < end; row++)
                new Span<T>(table.Row<T>((int)entries[row]), table.Width).CopyTo(new Span<T>(output.Row<T>(row), output.Width));
        }
    }

    private readonly unsafe struct AddedColumns(RowMemory rows, RowMemory indices, RowMemory into) : IRowLoop
    {
        public const int Block = 64;

        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            if (into.Dtype == ScalarType.Float32) Add<TLanes, T, float>(first * Block, Math.Min(rows.Width, end * Block));
            else Add<TLanes, T, T>(first * Block, Math.Min(rows.Width, end * Block));
        }

        [MethodImpl(RowLoops.Compiled)]
        private void Add<TLanes, T, TInto>(int firstColumn, int endColumn)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
            where TInto : unmanaged
        {
            long* entries = indices.Row<long>(0);
            for (int row = 0; row < rows.Count; row++)
            {
                T* source = rows.Row<T>(row);
                TInto* target = into.Row<TInto>((int)entries[row]);
                for (int i = firstColumn; i < endColumn; i += TLanes.Count)
                {
                    TLanes sum = Lane.Load<TLanes, TInto>(target + i, endColumn - i) + Lane.Load<TLanes, T>(source + i, endColumn - i);
                    Lane.Store(sum, target + i, endColumn - i);
                }
            }
        }
    }
}
