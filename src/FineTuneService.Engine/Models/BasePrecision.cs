using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>Element type of activations and of weights that are not quantised.</summary>
public enum ComputeDtype { Fp32, Bf16 }

/// <summary>How the frozen linear layers are stored. Embeddings, norms and lm_head are never quantised.</summary>
public enum QuantizationType { None, Nf4, Fp4, Int8 }

/// <summary>The precision that a frozen base is loaded in: one copy for each (base, precision) is shared by training and serving.</summary>
/// <param name="Dtype">Activations, embeddings, norms, lm_head, and the linear layers where they are not quantised.</param>
/// <param name="Quantization">nf4, fp4: QLoRA, https://arxiv.org/abs/2305.14314, block 64. int8: LLM.int8, https://arxiv.org/abs/2208.07339.</param>
/// <param name="DoubleQuantization">Quantises the absmax of nf4 and fp4 to 8 bits in blocks of 256 (QLoRA, section 3).</param>
public sealed record BasePrecision(ComputeDtype Dtype, QuantizationType Quantization = QuantizationType.None, bool DoubleQuantization = false)
{
    public static readonly BasePrecision Fp32 = new(ComputeDtype.Fp32);
    public static readonly BasePrecision Bf16 = new(ComputeDtype.Bf16);

    /// <summary>How the linear layers are stored: one line each.</summary>
    internal WeightFormat Format => Quantization switch
    {
        QuantizationType.Nf4 => new Nf4Format(DoubleQuantization),
        QuantizationType.Fp4 => new Fp4Format(DoubleQuantization),
        QuantizationType.Int8 => new Int8Format(Int8Format.OutlierThreshold),
        _ => new DenseFormat(),
    };

    /// <summary>Bytes of a model's weights.</summary>
    public long BytesOf(ModelConfig model)
    {
        ScalarType compute = Dtype == ComputeDtype.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
        ModelSlots slots = model.Slots;
        long bytes = 0, stored = 0;
        foreach (LinearSlot linear in slots.Linears.Where(linear => !linear.StaysDense))
        {
            bytes += linear.Parts.Sum(part => Format.BytesOf(part.Out, linear.In, compute));
            stored += (long)linear.Out * linear.In;
        }
        return bytes + (slots.ParameterCount - stored) * FileTensor.SizeOf(compute);
    }
}
