using System.Text.Json.Nodes;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Quantization;

/// <summary>bitsandbytes' layers, forward and backward (golden/quantization/linear).</summary>
public sealed class GoldenLinearTests
{
    public static TheoryData<string> Cases => Shared.Entries("golden/quantization/linear", "*.safetensors");

    [Theory, MemberData(nameof(Cases))]
    public void Multiply_GoldenLayer_EqualsBitsandbytes(string name)
    {
        using var scope = NewDisposeScope();
        using var pool = new BufferPool(CPU);
        JsonNode settings = Settings(Path.GetFileNameWithoutExtension(name));
        Dictionary<string, Tensor> stored = TensorFile.Read(Shared.Path("golden", "quantization", "linear", name));
        Tensor x = stored["x"].flatten(0, 1), output = stored["output"].flatten(0, 1), gradient = stored["grad_output"].flatten(0, 1);
        ScalarType compute = Compute(settings, x.dtype);
        using WeightMatrix matrix = (string)settings["layer"]! == "Linear4bit" ? FourBit(settings, stored, compute) : Int8(settings, stored, compute);

        Tensor y = empty(output.shape, compute), dx = empty(x.shape, compute);
        matrix.Multiply(x.to_type(compute), y, pool, stored.GetValueOrDefault("bias")?.to_type(compute));
        matrix.MultiplyBackward(gradient.to_type(compute), dx, beta: 0, pool);
        double allowed = compute == ScalarType.Float32 && x.dtype == ScalarType.Float32 ? 1e-5 : 1e-2;
        double forward = Difference(output, y), backward = Difference(stored["grad_input"].flatten(0, 1), dx);
        Assert.True(forward <= allowed, $"output differs by {forward} of its largest, {allowed} is allowed");
        Assert.True(backward <= allowed, $"grad_input differs by {backward} of its largest, {allowed} is allowed");
        Fidelity.Passed("quantization", name, $"bytes equal; output within {forward:0.0e0}, grad_input within {backward:0.0e0}");
    }

    private static FourBitMatrix FourBit(JsonNode settings, Dictionary<string, Tensor> stored, ScalarType compute)
    {
        FourBitCode code = (string)settings["quant_type"]! == "nf4" ? Nf4Format.NormalFloat : Fp4Format.FloatingPoint;
        FourBitMatrix matrix = FourBitMatrix.Quantize(stored["weight"], code, (bool)settings["double_quant"]!, compute, (int)settings["blocksize"]!);
        Assert.True(matrix.Packed.bytes.SequenceEqual(stored["weight.packed"].bytes), "bytes differ");
        return matrix;
    }

    private static Int8Matrix Int8(JsonNode settings, Dictionary<string, Tensor> stored, ScalarType compute)
    {
        float? threshold = (string)settings["algorithm"]! == "llm_int8" ? (float)settings["threshold"]! : null;
        var matrix = Int8Matrix.Quantize(stored["weight"], threshold, compute);
        Assert.True(matrix.Codes.Equals(stored["weight.quantized"]) && matrix.Absmax.Equals(stored["weight.row_absmax"]), "bytes differ");
        return matrix;
    }

    /// <summary>Products here are in fp32 or bf16; fp16 ones are made in fp32.</summary>
    private static ScalarType Compute(JsonNode settings, ScalarType input) =>
        ((string?)settings["compute_dtype"] ?? (string)settings["input_dtype"]!) == "bfloat16" ? ScalarType.BFloat16 : ScalarType.Float32;

    private static JsonNode Settings(string name)
    {
        JsonNode manifest = JsonNode.Parse(File.ReadAllText(Shared.Path("golden", "quantization", "manifest.json")))!;
        return manifest["linear"]!.AsArray().Single(entry => (string)entry!["name"]! == name)!;
    }

    private static double Difference(Tensor wanted, Tensor made)
    {
        Tensor wide = wanted.to_type(ScalarType.Float64);
        return ((made.to_type(ScalarType.Float64) - wide).abs().max() / wide.abs().max()).item<double>();
    }
}
