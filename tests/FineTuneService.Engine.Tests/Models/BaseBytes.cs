using System.Security.Cryptography;
using FineTuneService.Engine.Models;
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
        foreach (Tensor norm in weights.Norms.SelectMany(norm => norm.Tensors)) Add(norm.bytes);
        foreach (LinearWeight linear in weights.Linears.Where(linear => !weights.HeadIsTied || linear != weights.Head))
        {
            foreach (Tensor held in linear.Matrix.Tensors) Add(held.bytes);
            if (linear.Bias is { } bias) Add(bias.bytes);
        }
        Assert.Equal(model.Bytes, hashed);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
