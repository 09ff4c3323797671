using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Gguf;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Formats;

/// <summary>GGUF files against what the gguf package reads in them.</summary>
public sealed class GgufFileTests
{
    private const string SmolLm = "models/smollm2-135m-instruct-gguf/SmolLM2-135M-Instruct.Q4_1.gguf";

    public static TheoryData<string> Files() => Shared.Entries("golden/models/gguf", "*.gguf");

    [Theory, MemberData(nameof(Files))]
    public void Open_GoldenFile_HasItsTensors(string name)
    {
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllText(Shared.Path("golden/models/gguf/expected.json")));
        using GgufFile file = GgufFile.Open(Shared.Path("golden/models/gguf", name));
        JsonElement tensors = expected.RootElement.GetProperty(name).GetProperty("tensors");
        Assert.Equal(tensors.EnumerateObject().Select(tensor => tensor.Name).Order(), file.Names.Order());
        foreach (JsonProperty tensor in tensors.EnumerateObject())
        {
            StoredTensor stored = file.Find(tensor.Name)!;
            Assert.Equal(tensor.Value[0].GetString(), stored.DtypeName);
            Assert.Equal(tensor.Value[1].EnumerateArray().Select(size => size.GetInt64()).Reverse(), stored.Shape);
            file.RefuseNonFinite(tensor.Name);
            using Tensor values = file.Read(tensor.Name), copy = zeros(stored.Shape, dtype: ScalarType.Float32);
            Assert.Equal(stored.Dtype, values.dtype);
            ((ITensorSource)file).CopyTo(tensor.Name, copy);
            Assert.True(copy.Equals(values.to_type(ScalarType.Float32)), tensor.Name);
        }
    }

    [Fact]
    public void Read_RealFile_EqualsGgufsOwnValues()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(Shared.Path("golden/smollm2/metadata.json")));
        using GgufFile file = GgufFile.Open(Shared.Path(SmolLm));
        Assert.Equal(golden.RootElement.GetProperty("tensors").EnumerateArray().Select(tensor => tensor.GetProperty("name").GetString()), file.Names);
        foreach (JsonElement tensor in golden.RootElement.GetProperty("tensors").EnumerateArray())
        {
            string name = tensor.GetProperty("name").GetString()!;
            Assert.Equal(tensor.GetProperty("numpy_shape").EnumerateArray().Select(size => size.GetInt64()), file.Find(name)!.Shape);
            using Tensor blocks = file.Blocks(name), values = file.Read(name);
            Assert.Equal(tensor.GetProperty("sha256_raw").GetString(), Convert.ToHexStringLower(SHA256.HashData(blocks.bytes)));
            Assert.Equal(tensor.GetProperty("sha256_fp32").GetString(), Convert.ToHexStringLower(SHA256.HashData(values.bytes)));
        }
        Fidelity.Passed("gguf", "SmolLM2-135M-Instruct.Q4_1", "metadata, and every tensor's blocks and numbers: equal bits");
    }

    [Fact]
    public void Metadata_RealFile_EqualsGgufsOwn()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(Shared.Path("golden/smollm2/metadata.json")));
        using GgufFile file = GgufFile.Open(Shared.Path(SmolLm));
        JsonElement expected = golden.RootElement.GetProperty("kv");
        Assert.Equal(expected.EnumerateObject().Select(pair => pair.Name), file.Metadata.Values.Keys);
        foreach (JsonProperty pair in expected.EnumerateObject())
        {
            GgufValue value = file.Metadata.Values[pair.Name];
            string[] types = [.. pair.Value.GetProperty("type").EnumerateArray().Select(type => type.GetString()!)];
            Assert.Equal(types, value.Value is GgufArray array ? ["ARRAY", Name(array.Element)] : [Name(value.Type)]);
            if (value.Value is GgufArray list) EqualList(pair.Value, list);
            else if (value.Value is double number) Assert.Equal(pair.Value.GetProperty("value").GetDouble(), number);
            else Assert.Equal(pair.Value.GetProperty("value").ToString(), value.Value.ToString());
        }

        static string Name(GgufValueType type) => type.ToString().ToUpperInvariant();
    }

    private static void EqualList(JsonElement expected, GgufArray list)
    {
        string[] elements = list.Texts()?.Select(PythonJson).ToArray() ?? [.. list.Numbers()!.Select(number => number.ToString("R"))];
        if (expected.TryGetProperty("value", out JsonElement all))
        {
            Assert.Equal(all.GetArrayLength(), elements.Length);
            return;
        }
        Assert.Equal(expected.GetProperty("length").GetInt64(), list.Count);
        string json = $"[{string.Join(',', elements)}]";
        Assert.Equal(expected.GetProperty("sha256_of_json").GetString(), Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(json))));
    }

    /// <summary>A text as Python's json.dumps writes it with ensure_ascii off.</summary>
    private static string PythonJson(string text) => '"' + string.Concat(text.Select(unit => unit switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\b' => "\\b",
        '\f' => "\\f",
        < ' ' => $"\\u{(int)unit:x4}",
        _ => unit.ToString(),
    })) + '"';

    [Fact]
    public void RefuseNonFinite_BlockWithInfiniteScale_NamesTheElement()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "t.gguf");
        float[] values = [.. Enumerable.Range(0, 128).Select(i => (float)i)];
        values[70] = 1e30f; // Its block's scale is beyond fp16.
        GgufTestFile.Write(path, ("t", "Q8_0", [2, 64], values), ("plain", "F32", [3], [1, float.NaN, 2]), ("good", "F16", [2], [1, 2]));
        using GgufFile file = GgufFile.Open(path);
        Assert.Contains("tensor t holds NaN or infinity (element 64)", Assert.Throws<GgufException>(() => file.RefuseNonFinite("t")).Message);
        Assert.Contains("tensor plain holds NaN or infinity (element 1)", Assert.Throws<GgufException>(() => file.RefuseNonFinite("plain")).Message);
        file.RefuseNonFinite("good");
    }

    [Fact]
    public void Blocks_OfAFileThatIsClosed_StayReadable()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "t.gguf");
        GgufTestFile.Write(path, ("t", "F32", [2, 2], [1, 2, 3, 4]));
        Tensor blocks;
        using (GgufFile file = GgufFile.Open(path)) blocks = file.Blocks("t");
        Assert.Equal([1, 2, 3, 4], MemoryMarshal.Cast<byte, float>(blocks.bytes).ToArray());
        blocks.Dispose();
    }
}
