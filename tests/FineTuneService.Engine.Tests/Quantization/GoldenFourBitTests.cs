using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Quantization;

/// <summary>bitsandbytes' bytes and values (golden/quantization/four-bit): nf4 and fp4, blocks of any size, double quantization or not.</summary>
public sealed class GoldenFourBitTests
{
    private static readonly (string Name, FourBitCode Code)[] Codes = [("nf4", Nf4Format.NormalFloat), ("fp4", Fp4Format.FloatingPoint)];

    private static readonly (string Suffix, ScalarType Dtype)[] Dtypes =
        [("f32", ScalarType.Float32), ("bf16", ScalarType.BFloat16), ("f16", ScalarType.Float16)];

    public static TheoryData<string> Cases => Shared.Entries("golden/quantization/four-bit", "*.safetensors");

    [Theory, MemberData(nameof(Cases))]
    public void Quantize_GoldenMatrix_GivesBitsandbytesBytes(string name)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> stored = TensorFile.Read(Shared.Path("golden", "quantization", "four-bit", name));
        string[] stems = [.. stored.Keys.Where(key => key.EndsWith(".packed", StringComparison.Ordinal)).Select(key => key[..^".packed".Length])];
        Assert.NotEmpty(stems);
        foreach (string stem in stems)
        {
            FourBitCode code = Codes.Single(code => code.Name == stem.Split(".b")[0]).Code;
            Check(stored, stem, code, int.Parse(stem.Split(".b")[1], System.Globalization.CultureInfo.InvariantCulture));
        }
        Fidelity.Passed("quantization", name, $"{string.Join(", ", stems.Order())}: packed, absmax, absmax_q_exact equal; dequantised values equal");
    }

    [Fact]
    public void Values_Codes_EqualBitsandbytes()
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> books = TensorFile.Read(Shared.Path("golden", "quantization", "code-books.safetensors"));
        foreach ((string name, FourBitCode code) in Codes) Assert.Equal(books[name].data<float>().ToArray(), code.Values);
        Assert.Equal(books["dynamic_signed"].data<float>().ToArray(), DynamicCode.Signed.Values);
        Assert.Equal(books["dynamic_unsigned"].data<float>().ToArray(), DynamicCode.Unsigned.Values);
    }

    private static void Check(Dictionary<string, Tensor> stored, string stem, FourBitCode code, int blockSize)
    {
        Tensor input = stored["input"], packed = stored[stem + ".packed"], absmax = stored[stem + ".absmax"];
        using FourBitMatrix single = FourBitMatrix.Quantize(input, code, doubleQuantization: false, ScalarType.Float32, blockSize);
        Assert.True(single.Packed.bytes.SequenceEqual(packed.bytes), $"{stem}: bytes differ");
        Assert.True(single.Scales.Values().bytes.SequenceEqual(absmax.bytes), $"{stem}: absmax differs");
        EqualDequantized(stored, stem, single);

        using FourBitMatrix twice = FourBitMatrix.Quantize(input, code, doubleQuantization: true, ScalarType.Float32, blockSize);
        var doubled = (DoubleQuantization)twice.Scales;
        Assert.True(doubled.Codes.bytes.SequenceEqual(stored[stem + ".double.absmax_q_exact"].bytes), $"{stem}: absmax_q differs");
        // A mean depends on the order of its sum: the reference allows 3e-7 of it, which moves the differences from it as far.
        float offset = stored[stem + ".double.offset"].item<float>(), near = Math.Abs(offset) * 3e-7f;
        Assert.Equal(offset, doubled.Offset.item<float>(), near);
        Assert.True((stored[stem + ".double.nested_absmax"] - doubled.Absmax).abs().max().item<float>() <= near + 1e-38f, $"{stem}: nested_absmax differs");

        var theirs = new DoubleQuantization(
            stored[stem + ".double.absmax_q"].alias(), stored[stem + ".double.nested_absmax"].alias(), stored[stem + ".double.offset"].alias());
        using var read = new FourBitMatrix(packed.alias(), theirs, code, single.Rows, single.Columns, ScalarType.Float32, blockSize);
        EqualDequantized(stored, stem + ".double", read);
    }

    private static void EqualDequantized(Dictionary<string, Tensor> stored, string stem, FourBitMatrix matrix)
    {
        using var scope = NewDisposeScope();
        foreach ((string suffix, ScalarType dtype) in Dtypes)
        {
            if (!stored.TryGetValue($"{stem}.dequantized.{suffix}", out Tensor? wanted)) continue;
            Tensor made = empty(wanted.shape, dtype == ScalarType.Float16 ? ScalarType.Float32 : dtype);
            matrix.Fill(made);
            made = made.to_type(dtype);
            Assert.True(made.Equals(wanted), $"{stem}.{suffix} differs by {(made - wanted).abs().max().to_type(ScalarType.Float32).item<float>()}");
        }
    }
}
