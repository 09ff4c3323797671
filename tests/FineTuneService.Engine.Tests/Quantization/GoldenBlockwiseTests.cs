using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Quantization;

/// <summary>
/// The 8-bit dynamic codes (golden/quantization/blockwise-8bit). Bytes are the nearest codes', quantized_exact; those of bitsandbytes' CPU
/// kernel differ by its table, and are compared by what they stand for.
/// </summary>
public sealed class GoldenBlockwiseTests
{
    public static TheoryData<string> Cases => Shared.Entries("golden/quantization/blockwise-8bit", "*.safetensors");

    [Theory, MemberData(nameof(Cases))]
    public void QuantizeBlock_GoldenVector_GivesTheNearestCodes(string name)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> stored = TensorFile.Read(Shared.Path("golden", "quantization", "blockwise-8bit", name));
        float[] input = Floats(stored["input"]), book = Floats(stored["code"]), absmax = Floats(stored["absmax"]);
        DynamicCode code = new[] { DynamicCode.Signed, DynamicCode.Unsigned }.Single(code => code.Values.SequenceEqual(book));
        int blockSize = int.Parse(name.Split("-b")[1].Split('-', '.')[0], System.Globalization.CultureInfo.InvariantCulture);

        var codes = new byte[input.Length];
        var scales = new float[absmax.Length];
        for (int block = 0; block < scales.Length; block++)
        {
            int start = block * blockSize, length = Math.Min(blockSize, input.Length - start);
            scales[block] = code.QuantizeBlock(input.AsSpan(start, length), codes.AsSpan(start, length), whole: length == blockSize);
        }
        Assert.Equal(absmax, scales);
        Assert.True(codes.AsSpan().SequenceEqual(stored["quantized_exact"].bytes), "bytes differ");
        Assert.Equal(Floats(stored["dequantized_exact.f32"]), codes.Select((code, i) => book[code] * scales[i / blockSize]));
        byte[] theirs = stored["quantized"].bytes.ToArray();
        Assert.Equal(Floats(stored["dequantized.f32"]), theirs.Select((code, i) => book[code] * scales[i / blockSize]));
        Fidelity.Passed("quantization", name, $"quantized_exact, absmax and values equal; {theirs.Zip(codes).Count(pair => pair.First != pair.Second)} bytes of the CPU kernel's table differ");
    }

    private static float[] Floats(Tensor values) => values.to_type(ScalarType.Float32).data<float>().ToArray();
}
