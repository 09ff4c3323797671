using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.Ggml;

/// <summary>Matrices in a ggml type's blocks, which are widened, or multiplied with a few tokens as they are read.</summary>
internal abstract class GgmlKernel
{
    /// <summary>Values of a chunk that is widened.</summary>
    protected const int ChunkValues = 1 << 16;

    private static readonly Dictionary<string, GgmlKernel> s_byName = new()
    {
        ["Q4_0"] = new GgmlKernel<Q4_0Block>(),
        ["Q4_1"] = new GgmlKernel<Q4_1Block>(),
        ["Q5_0"] = new GgmlKernel<Q5_0Block>(),
        ["Q5_1"] = new GgmlKernel<Q5_1Block>(),
        ["Q8_0"] = new GgmlKernel<Q8_0Block>(),
        ["Q2_K"] = new GgmlKernel<Q2KBlock>(),
        ["Q3_K"] = new GgmlKernel<Q3KBlock>(),
        ["Q4_K"] = new GgmlKernel<Q4KBlock>(),
        ["Q5_K"] = new GgmlKernel<Q5KBlock>(),
        ["Q6_K"] = new GgmlKernel<Q6KBlock>(),
        ["IQ4_NL"] = new GgmlKernel<Iq4NlBlock>(),
        ["IQ4_XS"] = new GgmlKernel<Iq4XsBlock>(),
        ["IQ3_S"] = new GgmlKernel<CodedBlock<Iq3SCodes>>(),
        ["IQ3_XXS"] = new GgmlKernel<CodedBlock<Iq3XxsCodes>>(),
        ["IQ2_S"] = new GgmlKernel<CodedBlock<Iq2SCodes>>(),
        ["IQ2_XS"] = new GgmlKernel<CodedBlock<Iq2XsCodes>>(),
        ["IQ2_XXS"] = new GgmlKernel<CodedBlock<Iq2XxsCodes>>(),
        ["IQ1_M"] = new GgmlKernel<CodedBlock<Iq1MCodes>>(),
        ["IQ1_S"] = new GgmlKernel<CodedBlock<Iq1SCodes>>(),
        ["MXFP4"] = new GgmlKernel<CodedBlock<Mxfp4Codes>>(),
    };

    /// <summary>
    /// The type's own kernel, or null, as on a processor without wide registers: its blocks are then widened by <see cref="GgmlReference"/>, and
    /// never multiplied as they are.
    /// </summary>
    public static GgmlKernel? Of(GgmlType type) => RowLoops.InstructionSet == InstructionSet.Scalar ? null : s_byName.GetValueOrDefault(type.Name);

    /// <summary>Writes rows as numbers.</summary>
    /// <param name="blocks">[rows, bytes of a row].</param>
    /// <param name="indices">Which row goes to each of <paramref name="values"/>, or null: all, in order.</param>
    /// <param name="values">[rows, columns] fp32 or bf16, rounded once.</param>
    public abstract void Widen(RowMemory blocks, RowMemory? indices, RowMemory values);

    /// <summary>y = x·Wᵀ, summed in fp32; a token's results are the same bits whatever other tokens are there.</summary>
    /// <param name="x">[tokens, in] fp32 or bf16.</param>
    /// <param name="blocks">W's: [out, bytes of a row].</param>
    /// <param name="y">[tokens, out] of x's dtype.</param>
    public abstract void Forward(Tensor x, RowMemory blocks, Tensor y);
}
