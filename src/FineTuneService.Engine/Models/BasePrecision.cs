namespace FineTuneService.Engine.Models;

/// <summary>Element type of activations and of weights that are not quantised.</summary>
public enum ComputeDtype { Fp32, Bf16 }

/// <summary>How the frozen linear layers are stored. Embeddings, norms and lm_head are never quantised.</summary>
public enum QuantizationType { None, Nf4 }

/// <summary>The precision that a frozen base is loaded in: one copy for each (base, precision) is shared by training and serving.</summary>
/// <param name="Dtype">Activations, embeddings, norms, lm_head, and the linear layers where they are not quantised.</param>
/// <param name="Quantization">nf4: QLoRA, https://arxiv.org/abs/2305.14314, block 64.</param>
/// <param name="DoubleQuantization">Quantises nf4's absmax to 8 bits in blocks of 256 (QLoRA, section 3).</param>
public sealed record BasePrecision(ComputeDtype Dtype, QuantizationType Quantization = QuantizationType.None, bool DoubleQuantization = false)
{
    public static readonly BasePrecision Fp32 = new(ComputeDtype.Fp32);
    public static readonly BasePrecision Bf16 = new(ComputeDtype.Bf16);

    /// <summary>Bytes of a model's weights. nf4: half a byte a weight, and an absmax for each block of 64, in fp32 or (double quantization)
    /// in one byte.</summary>
    public long BytesOf(ModelConfig model)
    {
        int element = Dtype == ComputeDtype.Bf16 ? 2 : 4;
        if (Quantization == QuantizationType.None) return model.ParameterCount * element;
        long quantised = model.Linears.Where(linear => linear.Parts[0].Module != "lm_head").Sum(linear => linear.Parts.Sum(part => (long)part.Out * linear.In));
        long absmax = DoubleQuantization ? quantised / 64 + quantised / (64 * 256) * 4 : quantised / 64 * 4;
        return (model.ParameterCount - quantised) * element + quantised / 2 + absmax;
    }
}
