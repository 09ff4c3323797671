using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>Row loops over tensors that are one long row, as an optimizer's are: <see cref="Width"/> elements count as a row.</summary>
internal static class ElementLoops
{
    public const int Width = 1024;

    /// <param name="loop">Its tensors are views [1, length].</param>
    /// <param name="values">One of them, for its length and dtype.</param>
    public static void Run<TLoop>(TLoop loop, Tensor values)
        where TLoop : struct, IRowLoop => RowLoops.Run(loop, values.dtype, (int)((values.numel() + Width - 1) / Width), Width);

    /// <summary>The element after the last of the rows before <paramref name="end"/>.</summary>
    public static int End(int end, int length) => (int)Math.Min(length, (long)end * Width);
}
