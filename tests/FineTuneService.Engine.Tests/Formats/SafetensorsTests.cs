using System.Buffers.Binary;
using System.Text;
using FineTuneService.Engine.Formats;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Formats;

public sealed class SafetensorsTests
{
    [Theory]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4, "w ends at byte")]
    [InlineData("""{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "w of shape [3]")]
    [InlineData("""{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "w of shape [-2]")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", 8, "w of shape [2]")]
    [InlineData("""{"w":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,8]}}""", 8, "w's entry")]
    [InlineData("""{"w":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 8, "w's entry")]
    [InlineData("""{"w":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}""", 8, "w has dtype F8_E4M3")]
    [InlineData("""{"w":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},"v":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", 8, "v overlaps")]
    [InlineData("""{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", 8, "w is there twice")]
    [InlineData("""{"w":{"dtype":null,"shape":[2],"data_offsets":[0,8]}}""", 8, "w has dtype null")]
    [InlineData("""{"w":{"dtype":5,"shape":[2],"data_offsets":[0,8]}}""", 8, "w's entry")]
    [InlineData("""{"w":{"dtype":"\ud800","shape":[2],"data_offsets":[0,8]}}""", 8, "w's entry")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", 8, "w's entry")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]}}""", 8, "w's entry")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":null}}""", 8, "w's entry")]
    [InlineData("""{"w":null}""", 8, "w's entry")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "half of a surrogate pair")]
    [InlineData("""{"w":""", 8, "not JSON")]
    [InlineData("""[1]""", 8, "not a JSON object")]
    public void Open_HeaderThatLies_NamesWhatIsWrong(string header, int dataBytes, string message)
    {
        using var folder = new TemporaryFolder();
        var refused = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(Write(folder, (ulong)header.Length, header, dataBytes)));
        Assert.Contains(message, refused.Message);
        Assert.Contains("broken.safetensors", refused.Message);
        Assert.DoesNotContain("System.", refused.Message);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Read_FileThatChangedMeanwhile_SaysSo(bool gone)
    {
        using var folder = new TemporaryFolder();
        // Padded, as an aligned tensor is a view of the file's pages.
        string header = """{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""".PadRight(56), path = Write(folder, (ulong)header.Length, header, 8);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (gone) File.Delete(path);
        else File.WriteAllBytes(path, [1]);
        Assert.Contains("broken.safetensors is gone, or shorter", Assert.Throws<TensorFileException>(() => file.Read("w")).Message);
    }

    [Theory]
    [InlineData(3ul << 40)]
    [InlineData(ulong.MaxValue)]
    [InlineData(100ul)]
    public void Open_HeaderLongerThanTheFile_SaysSo(ulong length)
    {
        using var folder = new TemporaryFolder();
        var refused = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(Write(folder, length, "{}", 8)));
        Assert.Contains($"its header says {length} bytes", refused.Message);
    }

    [Fact]
    public void Open_FileOfFewerThanEightBytes_SaysSo()
    {
        using var folder = new TemporaryFolder();
        folder.Write("broken.safetensors", "{}");
        Assert.Contains("shorter than 8 bytes", Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(Path.Combine(folder.Path, "broken.safetensors"))).Message);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.Float64)]
    public void RefuseNonFinite_AnywhereInATensor_FindsTheFirst(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "t.safetensors");
        // More than one piece of the scan, and no whole number of registers.
        const int Count = (1 << 20) + 37;
        foreach (int at in new[] { 0, 1, 20, Count / 2, Count - 1, -1 })
        {
            Tensor values = full([Count], 60000f, ScalarType.Float32);
            if (at >= 0) values[at] = float.NaN;
            SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["before"] = full([3], float.NaN), ["values"] = values.to_type(dtype) });
            using var file = SafetensorsFile.Open(path);
            if (at < 0) file.RefuseNonFinite("values");
            else Assert.Contains($"tensor values holds NaN or infinity (element {at})", Assert.Throws<SafetensorsException>(() => file.RefuseNonFinite("values")).Message);
        }
    }

    [Fact]
    public void RefuseNonFinite_WhatSinglePrecisionCannotHold_IsRefused()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "t.safetensors");
        SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["wide"] = full([4], 1e300, ScalarType.Float64) });
        using var file = SafetensorsFile.Open(path);
        Assert.Throws<SafetensorsException>(() => file.RefuseNonFinite("wide"));
    }

    [Fact]
    public void Read_WrittenTensors_AreEqual()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var tensors = new Dictionary<string, Tensor>
        {
            ["odd"] = tensor(new byte[] { 1, 2, 3 }),
            ["half"] = arange(6, ScalarType.Float32).to_type(ScalarType.BFloat16).view(2, 3),
            ["whole"] = arange(4, ScalarType.Float32),
            ["none"] = zeros([0, 2]),
            ["columns"] = arange(6, ScalarType.Float32).view(2, 3).t(),
        };
        string path = Path.Combine(folder.Path, "t.safetensors");
        SafetensorsWriter.Write(path, tensors);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal(tensors.Keys.Order(), file.Entries.Keys.Order());
        foreach ((string name, Tensor value) in tensors)
        {
            Tensor read = file.Read(name);
            Assert.Equal(value.dtype, read.dtype);
            Assert.True(read.Equals(value), name);
        }
        Assert.Equal(["t.safetensors"], Directory.EnumerateFiles(folder.Path).Select(Path.GetFileName));
    }

    private static string Write(TemporaryFolder folder, ulong length, string header, int dataBytes)
    {
        var bytes = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        Encoding.ASCII.GetBytes(header, bytes.AsSpan(8));
        string path = Path.Combine(folder.Path, "broken.safetensors");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
