using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Quantization;

/// <summary>Row-wise int8 and the product of two (golden/quantization/int8).</summary>
public sealed class GoldenInt8Tests
{
    public static TheoryData<string> Rows => Shared.Entries("golden/quantization/int8", "rows-*.safetensors");

    [Theory, MemberData(nameof(Rows))]
    public void Quantize_GoldenRows_GivesBitsandbytesBytes(string name)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> stored = TensorFile.Read(Shared.Path("golden", "quantization", "int8", name));
        Int8Rows made = Int8Rows.Quantize(stored["input"], name.Contains("threshold6", StringComparison.Ordinal) ? 6 : 0);
        Assert.True(made.Codes.Equals(stored["quantized"]), "bytes differ");
        Assert.True(made.Absmax.Equals(stored["row_absmax"]), "row_absmax differs");
        if (stored.TryGetValue("outlier_columns", out Tensor? columns)) Assert.True(made.Outliers!.Equals(columns), "outlier_columns differ");
        Tensor values = empty_like(stored["dequantized.f32"]);
        Int8Rows.Dequantize(made.Codes, made.Absmax, values);
        Assert.True(values.Equals(stored["dequantized.f32"]), "dequantised values differ");
        Fidelity.Passed("quantization", name, "bytes, row_absmax, outlier columns and dequantised values equal");
    }

    public static TheoryData<string> Products => Shared.Entries("golden/quantization/int8", "product-*.safetensors");

    [Theory, MemberData(nameof(Products))]
    public void Multiply_GoldenProduct_EqualsBitsandbytes(string name)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> stored = TensorFile.Read(Shared.Path("golden", "quantization", "int8", name));
        Int8Rows a = Int8Rows.Quantize(stored["a"]), w = Int8Rows.Quantize(stored["w"]);
        Assert.True(a.Codes.Equals(stored["a.quantized"]) && w.Codes.Equals(stored["w.quantized"]), "bytes differ");
        Assert.True(a.Absmax.Equals(stored["a.row_absmax"]) && w.Absmax.Equals(stored["w.row_absmax"]), "row_absmax differs");
        Tensor product = a.Codes.to_type(ScalarType.Float32).mm(w.Codes.to_type(ScalarType.Float32).t());
        Assert.True(product.Equals(stored["product.int32"].to_type(ScalarType.Float32)), "the product of codes differs");
        Int8Rows.Scale(product, a.Absmax, w.Absmax);
        double difference = ((product - stored["product.f32"]).abs().max() / product.abs().max()).item<float>();
        Assert.True(difference <= 1e-7, $"the product differs by {difference} of its largest");
        Fidelity.Passed("quantization", name, "codes and whole numbers equal; product equal but for the last bit");
    }
}
