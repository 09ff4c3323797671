using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Models;

/// <summary>Every byte that a base holds, as one hash.</summary>
internal static class BaseBytes
{
    public static string Hash(BaseModel model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long hashed = 0;
        void Add(ReadOnlySpan<byte> bytes)
        {
            hash.AppendData(bytes);
            hashed += bytes.Length;
        }

        DecoderWeights weights = model.Weights;
        Add(weights.EmbedTokens.bytes);
        Add(weights.FinalNorm.bytes);
        foreach (Tensor norm in weights.Layers.SelectMany<LayerWeights, Tensor>(layer => [layer.InputNorm, layer.PostAttentionNorm])) Add(norm.bytes);
        foreach (LinearWeight linear in weights.Linears.Where(linear => !weights.HeadIsTied || linear != weights.Head))
        {
            if (linear.Stored is { } stored) Add(stored.bytes);
            foreach (Nf4Matrix matrix in (linear as Nf4Weight)?.Matrices ?? []) AddMatrix(matrix, Add);
            if (linear.Bias is { } bias) Add(bias.bytes);
        }
        Assert.Equal(model.Bytes, hashed);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private delegate void AddBytes(ReadOnlySpan<byte> bytes);

    private static void AddMatrix(Nf4Matrix matrix, AddBytes add)
    {
        add(matrix.Packed);
        float[] scales = matrix.Double is { } doubled
            ? [.. doubled.Absmax, doubled.Offset] : [.. Enumerable.Range(0, (int)Nf4.Blocks(matrix.Count)).Select(matrix.Scale)];
        add(MemoryMarshal.AsBytes<float>(scales));
        add(matrix.Double?.Quantized);
    }
}
