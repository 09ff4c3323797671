using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;

namespace FineTuneService.FineTuningJobs;

/// <summary>What a job's body calls the precisions of a base.</summary>
internal static class PrecisionNames
{
    private static readonly Dictionary<string, ComputeDtype> Dtypes = new()
    {
        ["fp32"] = ComputeDtype.Fp32,
        ["bf16"] = ComputeDtype.Bf16,
        ["fp16"] = ComputeDtype.Fp16,
    };

    /// <summary>The precision that a body asks for; "auto" is what this machine multiplies fastest. nf4 and fp4 are doubly quantised unless it says no.</summary>
    public static BasePrecision Of(CreateJobRequest body, bool fastBf16)
    {
        ComputeDtype dtype = Dtypes.GetValueOrDefault(body.BaseDtype ?? "auto", fastBf16 ? ComputeDtype.Bf16 : ComputeDtype.Fp32);
        QuantizationType type = QuantizationTable.Find(body.Quantization?.Type ?? "none")!.Value;
        return new BasePrecision(dtype, type, QuantizationTable.CanDouble(type) && (body.Quantization!.DoubleQuant ?? true));
    }

    public static JobBodyProblem? Problem(CreateJobRequest body)
    {
        if (body.BaseDtype is { } dtype and not "auto" && !Dtypes.ContainsKey(dtype)) return new("base_dtype", $"base_dtype must be auto, {string.Join(", ", Dtypes.Keys)}");
        if (body.Quantization is not { } quantization) return null;
        if (QuantizationTable.Find(quantization.Type) is not { } type) return new("quantization.type", $"there is no quantization '{Hosting.Errors.Clip(quantization.Type)}'; use {string.Join(", ", QuantizationTable.Names)}");
        return quantization.DoubleQuant == true && !QuantizationTable.CanDouble(type)
            ? new("quantization.double_quant", $"double_quant is for nf4 and fp4; {quantization.Type} has no scales to quantise") : null;
    }
}
