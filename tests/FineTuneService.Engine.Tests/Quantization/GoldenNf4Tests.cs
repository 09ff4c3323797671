using System.Runtime.InteropServices;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Quantization;

/// <summary>bitsandbytes' bytes and values (golden/quantization/four-bit): nf4 in blocks of 64, double quantization or not.</summary>
public sealed class GoldenNf4Tests
{
    public static TheoryData<string> Cases => Shared.Entries("golden/quantization/four-bit", "*.safetensors");

    [Theory, MemberData(nameof(Cases))]
    public void Quantize_GoldenMatrix_GivesBitsandbytesBytes(string name)
    {
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(Shared.Path("golden", "quantization", "four-bit", name));
        Tensor input = file.Read("input").to_type(ScalarType.Float32).contiguous();
        float[] values = input.data<float>().ToArray();

        Nf4Matrix single = Nf4Matrix.Quantize(values, doubleQuantization: false);
        Assert.Equal(Bytes(file, "packed"), single.Packed.ToArray());
        float[] absmax = Floats(file, "absmax");
        Assert.Equal(absmax, Enumerable.Range(0, absmax.Length).Select(single.Scale));
        EqualDequantized(file, "dequantized", single, input.shape);

        DoubleQuantization doubled = Nf4Matrix.Quantize(values, doubleQuantization: true).Double!;
        Assert.Equal(Bytes(file, "double.absmax_q_exact"), doubled.Quantized);
        float offset = Floats(file, "double.offset")[0];
        // A mean depends on the order of its sum: the reference allows 3e-7 of it, which moves the differences from it as far.
        Assert.Equal(offset, doubled.Offset, Math.Abs(offset) * 3e-7f);
        Assert.All(Floats(file, "double.nested_absmax").Zip(doubled.Absmax), pair => Assert.Equal(pair.First, pair.Second, Math.Abs(offset) * 3e-7f));
        DoubleQuantization stored = DoubleQuantization.Stored(Bytes(file, "double.absmax_q"), Floats(file, "double.nested_absmax"), offset);
        EqualDequantized(file, "double.dequantized", Nf4Matrix.Stored(single.Packed.ToArray(), null, stored, values.Length), input.shape);
        Fidelity.Passed("quantization", name, "packed, absmax, absmax_q_exact equal; dequantised values equal");
    }

    [Fact]
    public void Codes_DynamicSigned_EqualBitsandbytes()
    {
        using var file = SafetensorsFile.Open(Shared.Path("golden", "quantization", "code-books.safetensors"));
        using Tensor nf4 = file.Read("nf4"), dynamic = file.Read("dynamic_signed");
        Assert.Equal(nf4.data<float>().ToArray(), Nf4.Codes);
        Assert.Equal(dynamic.data<float>().ToArray(), DynamicCode.Codes);
    }

    private static void EqualDequantized(SafetensorsFile file, string name, Nf4Matrix matrix, long[] shape)
    {
        foreach ((string suffix, ScalarType dtype) in new[] { ("f32", ScalarType.Float32), ("bf16", ScalarType.BFloat16) })
        {
            if (!file.Entries.ContainsKey($"nf4.b64.{name}.{suffix}")) continue;
            using Tensor made = empty(shape, dtype: dtype), wanted = file.Read($"nf4.b64.{name}.{suffix}");
            matrix.Dequantize(made);
            Assert.True(made.Equals(wanted), $"{name}.{suffix} differs by {(made - wanted).abs().max().to_type(ScalarType.Float32).item<float>()}");
        }
    }

    private static byte[] Bytes(SafetensorsFile file, string name)
    {
        using Tensor tensor = file.Read("nf4.b64." + name);
        return tensor.bytes.ToArray();
    }

    private static float[] Floats(SafetensorsFile file, string name)
    {
        using Tensor tensor = file.Read("nf4.b64." + name);
        return MemoryMarshal.Cast<byte, float>(tensor.bytes).ToArray();
    }
}
