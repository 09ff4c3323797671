using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="BlockMemory"/> reads and writes, in torch's operators, to the nearest code.</summary>
internal static class BlockReference
{
    /// <summary>The numbers, fp32 [length].</summary>
    public static Tensor Read(BlockCodes codes)
    {
        using var scope = NewDisposeScope();
        Tensor book = tensor(codes.Book.Codes, device: codes.Codes.device);
        Tensor scales = repeat_interleave(codes.Absmax, BlockCodes.BlockSize).narrow(0, 0, codes.Codes.numel());
        return (book.index_select(0, codes.Codes.view(-1).to_type(ScalarType.Int64)) * scales).MoveToOuterDisposeScope();
    }

    /// <param name="values">fp32, as many as there are codes.</param>
    public static void Write(BlockCodes codes, Tensor values)
    {
        using var scope = NewDisposeScope();
        long length = codes.Codes.numel(), blocks = codes.Absmax.numel();
        Tensor padded = zeros([blocks * BlockCodes.BlockSize], device: values.device);
        padded.narrow(0, 0, length).copy_(values.reshape(-1));
        Tensor rows = padded.view(blocks, BlockCodes.BlockSize), absmax = rows.abs().amax([1L], keepdim: true);
        Tensor scaled = rows * nan_to_num(absmax.reciprocal(), posinf: 0);
        Tensor bounds = tensor(codes.Book.Bounds, device: values.device);
        Tensor found = bucketize(scaled.clamp(-1, 1), bounds);
        codes.Absmax.copy_(absmax.view(-1));
        codes.Codes.copy_(found.view(-1).narrow(0, 0, length).view(codes.Codes.shape));
    }
}
