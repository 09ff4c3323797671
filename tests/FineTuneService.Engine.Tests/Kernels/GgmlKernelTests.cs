using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Kernels.Ggml;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

/// <summary>Every quantised ggml type on every path, held against <see cref="GgmlType.Decode"/>, the scalar reference.</summary>
public sealed class GgmlKernelTests
{
    private const int Rows = 83, Width = 512;

    public static TheoryData<string, string> Types => new MatrixTheoryData<string, string>(KernelPaths.All, GgmlTypes.All.Where(type => type.Values > 1).Select(type => type.Name));

    [Theory, MemberData(nameof(Types))]
    public void Fill_EveryPath_GivesTheTypesNumbersToTheBit(string path, string type)
    {
        using var on = new KernelPaths(path);
        using GgmlMatrix matrix = Matrix(type);
        Tensor wanted = Decoded(type), made = empty([Rows, Width], ScalarType.Float32), narrow = empty([Rows, Width], ScalarType.BFloat16);
        matrix.Fill(made);
        Assert.True(made.bytes.SequenceEqual(wanted.bytes), $"differs by {(made - wanted).abs().max().item<float>()}");
        matrix.Fill(narrow);
        Assert.True(narrow.Equals(wanted.to_type(ScalarType.BFloat16)));

        Tensor indices = tensor(new long[] { 82, 0, 7, 7 }), rows = empty([4, Width], ScalarType.Float32);
        matrix.Gather(indices, rows);
        Assert.True(rows.Equals(wanted.index_select(0, indices)));
    }

    public static TheoryData<string, string, bool> Kernels => new MatrixTheoryData<string, string, bool>(["Vector256", "Vector512"], GgmlTypes.All.Where(type => GgmlKernel.Of(type) is not null).Select(type => type.Name), [false, true]);

    [Theory, MemberData(nameof(Kernels))]
    public void Multiply_FewTokens_EqualsTheProductWithTheNumbers(string path, string type, bool bf16)
    {
        using var on = new KernelPaths(path);
        using var pool = new BufferPool(CPU);
        using GgmlMatrix matrix = Matrix(type);
        const int most = 16;
        Tensor all = KernelPaths.Draw(3, KernelPaths.Dtype(bf16), most, Width), dense = Decoded(type);
        foreach (int tokens in new[] { 1, 3, 4, 7, most })
        {
            Tensor x = all.narrow(0, 0, tokens);
            var y = new Guarded(zeros([tokens, Rows], x.dtype));
            Assert.True(matrix.ReadsCodes(x));
            matrix.Multiply(x, y.Values, pool);
            y.EqualTo(x.to_type(ScalarType.Float32).mm(dense.t()));
        }
        Company.Check(most, all, Rows, matrix.MultiplyCodes);
    }

    private static GgmlMatrix Matrix(string type) => new(tensor(Bytes(type)).view(Rows, -1), Of(type), ScalarType.Float32);

    private static Tensor Decoded(string type)
    {
        var values = new float[Rows * Width];
        Of(type).DecodeAll(Bytes(type), values);
        return tensor(values).view(Rows, Width);
    }

    private static GgmlType Of(string type) => GgmlTypes.All.Single(each => each.Name == type);

    /// <summary>Any bytes are blocks, but their fp16 and E8M0 scales are to be small and finite: the top bits are cleared where a scale may lie.</summary>
    private static byte[] Bytes(string type)
    {
        GgmlType of = Of(type);
        var bytes = new byte[Rows * of.BytesOf(Width)];
        new Random(5).NextBytes(bytes);
        int[] scales = type switch
        {
            "Q2_K" => [80, 82],
            "Q3_K" => [108],
            "Q6_K" => [208],
            "TQ1_0" => [52],
            "TQ2_0" => [64],
            "MXFP4" or "NVFP4" or "IQ1_M" => [],
            "Q4_1" or "Q5_1" or "Q4_K" or "Q5_K" => [0, 2],
            _ => [0],
        };
        for (int block = 0; block < bytes.Length; block += of.Bytes)
        {
            foreach (int at in scales) bytes[block + at + 1] = (byte)(bytes[block + at + 1] & 0x83 | 0x20);
            if (type == "MXFP4") bytes[block] = (byte)(110 + bytes[block] % 16);
            if (type != "IQ1_M") continue;
            // Its scale's upper eight bits are the upper halves of two bytes.
            bytes[block + 55] = (byte)(bytes[block + 55] & 0x8F | 0x20);
            bytes[block + 53] &= 0x3F;
        }
        return bytes;
    }
}
