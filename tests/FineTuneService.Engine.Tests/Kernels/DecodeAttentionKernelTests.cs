using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class DecodeAttentionKernelTests
{
    private const int Heads = 6, KvHeads = 2, Layer = 1;

    public static TheoryData<string, bool, int, int> Cases => new MatrixTheoryData<string, bool, int, int>(KernelPaths.All, [false, true], [7, 16, 20, 64, 65], [0, 20]);

    [Theory, MemberData(nameof(Cases))]
    public void Forward_RowsOfDifferentLengths_EqualsAttentionOfEach(string path, bool bf16, int headDim, int window)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
        // Empty, within a block, at a block's last and first place, and over several blocks.
        int[] lengths = [0, 17, KvCache.BlockTokens - 1, KvCache.BlockTokens, 2 * KvCache.BlockTokens + 9];
        var config = new ModelConfig
        {
            HiddenSize = Heads * headDim,
            IntermediateSize = 1,
            Layers = 2,
            Heads = Heads,
            KeyValueHeads = KvHeads,
            HeadDim = headDim,
            VocabularySize = 1,
        };
        var cache = new KvCache(config.CacheShape, dtype, CPU);
        CachedSequence[] sequences = [.. lengths.Select(_ => cache.Begin())];
        Tensor[] keys = [.. lengths.Select((length, row) => Random(1, row, length + 1, KvHeads, headDim).to_type(dtype))];
        Tensor[] values = [.. lengths.Select((length, row) => Random(2, row, length + 1, KvHeads, headDim).to_type(dtype))];
        Tensor queries = Random(3, 0, lengths.Length, Heads, headDim).to_type(dtype);
        Tensor Last(Tensor[] all) => stack([.. all.Select((tensor, row) => tensor.select(0, lengths[row]))]);
        Tensor tokens = cat([queries, Last(keys), Last(values)], 1).view(lengths.Length, -1).contiguous();
        for (int row = 0; row < lengths.Length; row++)
        {
            sequences[row].Grow(lengths[row] + 1);
            sequences[row].Write(Layer, keys[row].narrow(0, 0, lengths[row]), values[row].narrow(0, 0, lengths[row]));
            sequences[row].Advance(lengths[row]);
        }
        Tensor output = empty([lengths.Length, Heads * headDim], dtype: dtype);
        var shape = new AttentionShape(lengths.Length, 1, Heads, KvHeads, headDim);
        float scale = 1 / MathF.Sqrt(headDim);
        DecodeAttentionKernel.Forward(tokens, sequences, Layer, output, shape, new ScoreRule(scale) { Window = window });

        for (int row = 0; row < lengths.Length; row++)
        {
            Tensor heldKeys = empty([KvHeads, lengths[row] + 1, headDim], dtype: dtype), heldValues = empty_like(heldKeys);
            sequences[row].Read(Layer, heldKeys, heldValues);
            Assert.True(heldKeys.transpose(0, 1).Equals(keys[row]) && heldValues.transpose(0, 1).Equals(values[row]));
            Tensor grouped = queries.select(0, row).to_type(ScalarType.Float32).view(KvHeads, Heads / KvHeads, headDim);
            Tensor wide = heldKeys.to_type(ScalarType.Float32);
            Tensor scores = grouped.bmm(wide.transpose(1, 2)) * scale;
            if (window > 0 && lengths[row] >= window) scores.narrow(2, 0, lengths[row] + 1 - window).fill_(float.NegativeInfinity);
            Tensor wanted = scores.softmax(-1).bmm(heldValues.to_type(ScalarType.Float32)).view(-1);
            Assert.InRange((output.select(0, row).to_type(ScalarType.Float32) - wanted).abs().max().item<float>(), 0, bf16 ? 4e-3f : 1e-6f);
            sequences[row].Dispose();
        }
    }

    private static Tensor Random(ulong stream, int row, params long[] shape) =>
        tensor(new CounterRandom(5, (stream << 8) + (ulong)row).Uniform(shape.Aggregate((a, b) => a * b), -1, 1)).view(shape);
}
