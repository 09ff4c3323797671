using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>
/// Element type of activations and of weights that are not quantised. fp16 is how weights are stored: activations are fp32 then, as no
/// CPU multiplies fp16, and results are fp32's.
/// </summary>
public enum ComputeDtype { Fp32, Bf16, Fp16 }

internal static class ComputeDtypes
{
    /// <summary>How weights that are not quantised are stored.</summary>
    public static ScalarType Stored(this ComputeDtype dtype) =>
        dtype switch { ComputeDtype.Bf16 => ScalarType.BFloat16, ComputeDtype.Fp16 => ScalarType.Float16, _ => ScalarType.Float32 };
}

/// <summary>The precision that a frozen base is loaded in: one copy for each (base, precision) is shared by training and serving.</summary>
/// <param name="Dtype">Activations, embeddings, norms, lm_head, and the linear layers where they are not quantised.</param>
/// <param name="Quantization">nf4, fp4: QLoRA, https://arxiv.org/abs/2305.14314, block 64. int8: LLM.int8, https://arxiv.org/abs/2208.07339.</param>
/// <param name="DoubleQuantization">Quantises the absmax of nf4 and fp4 to 8 bits in blocks of 256 (QLoRA, section 3).</param>
public sealed record BasePrecision(ComputeDtype Dtype, QuantizationType Quantization = QuantizationType.None, bool DoubleQuantization = false)
{
    public static readonly BasePrecision Fp32 = new(ComputeDtype.Fp32);
    public static readonly BasePrecision Bf16 = new(ComputeDtype.Bf16);

    /// <summary>How the linear layers are stored.</summary>
    internal WeightFormat Format
    {
        get => field ?? (Quantization == QuantizationType.None && Dtype == ComputeDtype.Fp16 ? new HalfFormat() : QuantizationTable.Format(Quantization, DoubleQuantization));
        init;
    }

    /// <summary>Of activations.</summary>
    internal ScalarType Compute => Dtype == ComputeDtype.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>Bytes of a model's weights.</summary>
    /// <remarks>as_stored: the most that they can be, since a config does not tell how a file stores its tensors.</remarks>
    public long BytesOf(ModelConfig model) => BytesOf(model, (ITensorSource?)null);

    /// <summary>Bytes of a model's weights, as_stored by what its file says.</summary>
    /// <exception cref="TensorFileException">The file cannot be used.</exception>
    /// <param name="path">The model's folder or file.</param>
    public long BytesOf(ModelConfig model, string path)
    {
        if (Quantization != QuantizationType.AsStored) return BytesOf(model);
        using ModelFiles files = ModelFiles.Open(path);
        return BytesOf(model, Checkpoint.Named(model, model.Slots, files));
    }

    private long BytesOf(ModelConfig model, ITensorSource? source)
    {
        ModelSlots slots = model.Slots;
        WeightFormat tables = Format.OfTables;
        long embedding = slots.Embedding.Shape[0] * slots.Embedding.Shape[1], stored = embedding, bytes = Size(tables, slots.Embedding.Name, slots.Embedding.Shape[0], slots.Embedding.Shape[1]);
        foreach (LinearSlot linear in slots.Linears.Where(linear => !(linear.IsHead && slots.HeadIsTied)))
        {
            foreach ((Slot slot, LinearPart part) in linear.Weights.Zip(linear.Parts))
            {
                bytes += Size(linear.StaysDense ? tables : Format, slot.Name, part.Out, linear.In);
                stored += (long)part.Out * linear.In;
            }
        }
        return bytes + (slots.ParameterCount - stored) * FileTensor.SizeOf(Compute);

        long Size(WeightFormat format, string name, long rows, long columns) =>
            source?.Find(name) is { } tensor ? format.BytesOf(tensor, Compute) : format.BytesOf(rows, columns, Compute);
    }
}
