using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class DecodeAttentionKernelTests
{
    private const int Heads = 6, KvHeads = 2, Capacity = 40;

    public static TheoryData<string, bool, int> Cases => new MatrixTheoryData<string, bool, int>(KernelPaths.All, [false, true], [7, 16, 20, 64, 65]);

    [Theory, MemberData(nameof(Cases))]
    public void Forward_RowsOfDifferentLengths_EqualsAttentionOfEach(string path, bool bf16, int headDim)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
        int[] slots = [2, 0, 1], lengths = [0, 17, 39];
        Tensor keys = Random(1, 3, KvHeads, Capacity, headDim).to_type(dtype), values = Random(2, 3, KvHeads, Capacity, headDim).to_type(dtype);
        Tensor tokens = Random(3, slots.Length, (Heads + 2 * KvHeads) * headDim).to_type(dtype);
        Tensor output = empty([slots.Length, Heads * headDim], dtype: dtype);
        float scale = 1 / MathF.Sqrt(headDim);
        DecodeAttentionKernel.Forward(tokens, keys, values, slots, lengths, output, scale);

        for (int row = 0; row < slots.Length; row++)
        {
            Tensor parts = tokens.select(0, row).view(Heads + 2 * KvHeads, headDim).to_type(ScalarType.Float32);
            Tensor Seen(Tensor cache) => cache.select(0, slots[row]).narrow(1, 0, lengths[row] + 1).to_type(ScalarType.Float32);
            Assert.True(Seen(keys).select(1, lengths[row]).Equals(parts.narrow(0, Heads, KvHeads)));
            Assert.True(Seen(values).select(1, lengths[row]).Equals(parts.narrow(0, Heads + KvHeads, KvHeads)));
            Tensor queries = parts.narrow(0, 0, Heads).view(KvHeads, Heads / KvHeads, headDim);
            Tensor wanted = (queries.bmm(Seen(keys).transpose(1, 2)) * scale).softmax(-1).bmm(Seen(values)).view(-1);
            Assert.InRange((output.select(0, row).to_type(ScalarType.Float32) - wanted).abs().max().item<float>(), 0, bf16 ? 4e-3f : 1e-6f);
        }
    }

    private static Tensor Random(ulong stream, params long[] shape) =>
        tensor(new CounterRandom(5, stream).Uniform(shape.Aggregate((a, b) => a * b), -1, 1)).view(shape);
}
