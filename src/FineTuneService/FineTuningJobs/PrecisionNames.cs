using FineTuneService.Engine.Models;

namespace FineTuneService.FineTuningJobs;

/// <summary>What a job's body calls the precisions of a base: one line each.</summary>
internal static class PrecisionNames
{
    private static readonly Dictionary<string, QuantizationType> Types = new()
    {
        ["none"] = QuantizationType.None,
        ["int8"] = QuantizationType.Int8,
        ["nf4"] = QuantizationType.Nf4,
        ["fp4"] = QuantizationType.Fp4,
        ["as_stored"] = QuantizationType.AsStored,
    };

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
        QuantizationType type = Types[body.Quantization?.Type ?? "none"];
        return new BasePrecision(dtype, type, type is QuantizationType.Nf4 or QuantizationType.Fp4 && (body.Quantization!.DoubleQuant ?? true));
    }

    public static JobBodyProblem? Problem(CreateJobRequest body)
    {
        if (body.BaseDtype is { } dtype and not "auto" && !Dtypes.ContainsKey(dtype)) return new("base_dtype", $"base_dtype must be auto, {string.Join(", ", Dtypes.Keys)}");
        if (body.Quantization is not { } quantization) return null;
        if (!Types.ContainsKey(quantization.Type)) return new("quantization.type", $"there is no quantization '{Hosting.Errors.Clip(quantization.Type)}'; use {string.Join(", ", Types.Keys)}");
        return quantization is { DoubleQuant: true, Type: not ("nf4" or "fp4") }
            ? new("quantization.double_quant", $"double_quant is for nf4 and fp4; {quantization.Type} has no scales to quantise") : null;
    }
}
