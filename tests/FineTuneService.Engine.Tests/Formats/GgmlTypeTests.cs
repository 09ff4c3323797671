using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Formats;

/// <summary>Every ggml type against gguf's own quantize and dequantize (golden/models/gguf-quants.*).</summary>
public sealed class GgmlTypeTests
{
    public static TheoryData<string> Types()
    {
        if (!Shared.Present) return [""];
        return [.. Cases().Select(pair => pair.Key)];
    }

    [Theory, MemberData(nameof(Types))]
    public void Decode_StoredBlocks_EqualsGguf(string name)
    {
        GgmlType type = TypeOrSkip(name);
        using SafetensorsFile file = SafetensorsFile.Open(Shared.Path("golden", "models", "gguf-quants.safetensors"));
        using Tensor raw = file.Read($"{name}.raw"), expected = file.Read($"{name}.values");
        var values = new float[expected.numel()];
        type.DecodeAll(raw.bytes, values);
        Assert.Equal((int)Cases()[name]!["block_bytes"]!, type.Bytes);
        Assert.True(MemoryMarshal.Cast<byte, float>(expected.bytes).SequenceEqual(values), "the numbers differ");
        if (type.Values > 1) EqualsAsMatrix(type, raw, expected);
        Fidelity.Passed("gguf", $"{name} read", "equal bits");
    }

    /// <summary>The kernels' numbers are the same.</summary>
    private static void EqualsAsMatrix(GgmlType type, Tensor raw, Tensor expected)
    {
        using var matrix = new GgmlMatrix(raw.clone(), type, ScalarType.Float32);
        using Tensor filled = empty(expected.shape, ScalarType.Float32);
        matrix.Fill(filled);
        Assert.True(filled.bytes.SequenceEqual(expected.bytes), "the matrix' numbers differ");
    }

    [Theory, MemberData(nameof(Types))]
    public void Encode_Values_EqualsGguf(string name)
    {
        GgmlType type = TypeOrSkip(name);
        if (!(bool)Cases()[name]!["quantize"]! || type.Encode is null) Assert.Skip($"{name} is not written, here or by gguf");
        using SafetensorsFile file = SafetensorsFile.Open(Shared.Path("golden", "models", "gguf-quants.safetensors"));
        using Tensor values = file.Read($"{name}.quantize_in"), expected = file.Read($"{name}.quantize_out");
        var blocks = new byte[expected.numel()];
        type.EncodeAll(MemoryMarshal.Cast<byte, float>(values.bytes), blocks);
        Assert.True(expected.bytes.SequenceEqual(blocks), "the bytes differ");
        Fidelity.Passed("gguf", $"{name} written", "equal bytes");
    }

    private static GgmlType TypeOrSkip(string name)
    {
        try
        {
            return GgmlTypes.Of((uint)Cases()[name]!["ggml_type"]!);
        }
        catch (NotSupportedException refused)
        {
            Fidelity.Skipped("gguf", $"{name} read", refused.Message);
            throw;
        }
    }

    private static JsonObject Cases() => JsonNode.Parse(File.ReadAllText(Shared.Path("golden", "models", "gguf-quants.json")))!.AsObject();
}
