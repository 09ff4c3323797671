using System.Buffers.Binary;
using System.Text;
using FineTuneService.Engine.Formats.Gguf;

namespace FineTuneService.Engine.Tests.Formats;

/// <summary>GGUF files that lie, are cut short, or are damaged.</summary>
public sealed class GgufHostileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Open_EveryTruncation_IsRefused()
    {
        byte[] whole = Valid();
        const int Padding = 28; // Two blocks of 34 bytes, to the next multiple of 32.
        for (int length = 0; length < whole.Length - Padding; length++) Assert.Contains("cut.gguf", Refused(whole[..length], "cut.gguf").Message);
        GgufFile.Open(Write(whole[..^Padding], "whole.gguf")).Dispose();
    }

    /// <summary>Whatever a byte becomes, the file is read or refused: nothing else is thrown, nothing is read outside of it.</summary>
    [Fact]
    public void Open_AnyByteChanged_IsReadOrRefused()
    {
        byte[] whole = Valid();
        int refused = 0;
        foreach (byte change in new byte[] { 0x01, 0x80, 0xFF })
        {
            for (int at = 0; at < whole.Length - 100; at++)
            {
                byte[] bytes = [.. whole];
                bytes[at] ^= change;
                try
                {
                    using GgufFile file = GgufFile.Open(Write(bytes, "changed.gguf"));
                    foreach ((string key, GgufValue value) in file.Metadata.Values) _ = ((value.Value as GgufArray)?.Texts(), (value.Value as GgufArray)?.Numbers());
                    foreach (string name in file.Names) file.Read(name).Dispose();
                }
                catch (GgufException)
                {
                    refused++;
                }
            }
        }
        Assert.True(refused > 100, $"{refused}");
    }

    [Theory]
    [InlineData(4, 1u, "version 1")]
    [InlineData(4, 0x03000000u, "big-endian")]
    [InlineData(8, 0xFFFFFFFFu, "tensors")]
    [InlineData(16, 0x7FFFFFFFu, "keys")]
    [InlineData(0, 0x04034B50u, "does not begin with GGUF")]
    public void Open_HeaderThatLies_SaysWhat(int at, uint value, string message)
    {
        byte[] bytes = Valid();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), value);
        Assert.Contains(message, Refused(bytes, "lies.gguf").Message);
    }

    [Theory]
    // Behind a key: its type (4 bytes); then a text's length, or a list's elements' type (4) and count (8), then its first text's length.
    [InlineData("general.architecture", 4, 1ul << 40, "bytes long")]
    [InlineData("none", 8, ulong.MaxValue, "elements, more than the file has bytes")]
    [InlineData("texts", 16, 1ul << 60, "truncated")]
    public void Open_LengthThatLies_SaysWhat(string key, int behind, ulong value, string message)
    {
        byte[] bytes = Valid();
        int at = bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(key)) + key.Length + behind;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), value);
        Assert.Contains(message, Refused(bytes, "lies.gguf").Message);
    }

    [Theory]
    [InlineData("dimensions", "9 dimensions")]
    [InlineData("type", "no multiple of IQ2_XXS's blocks of 256")]
    [InlineData("unknown", "ggml type 77")]
    [InlineData("row", "no multiple of Q8_0's blocks")]
    [InlineData("huge", "which no file holds")]
    [InlineData("offset", "no multiple of the alignment")]
    [InlineData("beyond", "the file is truncated")]
    [InlineData("overlap", "overlaps another")]
    public void Open_TensorThatLies_SaysWhat(string what, string message)
    {
        byte[] bytes = Valid();
        int row = bytes.AsSpan().LastIndexOf("second"u8) + 6; // dimensions u32, sizes 2 × u64, type u32, offset u64
        Action change = what switch
        {
            "dimensions" => () => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(row), 9),
            "type" => () => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(row + 20), 16),
            "unknown" => () => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(row + 20), 77),
            "row" => () => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(row + 4), 33),
            "huge" => () => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(row + 12), ulong.MaxValue / 2),
            "offset" => () => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(row + 24), 7),
            "beyond" => () => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(row + 24), 1 << 20),
            _ => () => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(row + 24), 0),
        };
        change();
        GgufException refused = Refused(bytes, "lies.gguf");
        Assert.Contains(message, refused.Message);
        if (what != "overlap") Assert.Contains("tensor second", refused.Message);
    }

    [Fact]
    public void Metadata_EveryType_ComesBackAsWritten()
    {
        using GgufFile file = GgufFile.Open(Write(Valid(), "valid.gguf"));
        Assert.Equal(GgufTestFile.Metadata.Select(pair => pair.Key), file.Metadata.Values.Keys);
        foreach ((string key, GgufValue value) in GgufTestFile.Metadata)
        {
            GgufValue read = file.Metadata.Values[key];
            Assert.Equal(value.Type, read.Type);
            if (value.Value is GgufArray list) Assert.Equal(list.Bytes, ((GgufArray)read.Value).Bytes);
            else Assert.Equal(value.Value, read.Value);
        }
        Assert.Equal(["", "ü", "a b"], file.Metadata.Texts("texts")!);
        Assert.Equal([1, -2, 3], file.Metadata.Numbers("numbers")!);
    }

    [Fact]
    public void Metadata_OfTheWrongKind_IsNamed()
    {
        using GgufFile file = GgufFile.Open(Write(Valid(), "valid.gguf"));
        Assert.Equal("valid.gguf: texts = a list of 3 String has the wrong type or range; it must be a text.", Assert.Throws<GgufException>(() => file.Metadata.Text("texts")).Message);
        Assert.Contains("i32 = -70000", Assert.Throws<GgufException>(() => file.Metadata.Whole("i32", 0, 100)).Message);
        Assert.Contains("numbers = a list of 3 Int32", Assert.Throws<GgufException>(() => file.Metadata.Whole("numbers", 0, 100)).Message);
        Assert.Contains("bool = True", Assert.Throws<GgufException>(() => file.Metadata.Number("bool")).Message);
        Assert.Null(file.Metadata.Text("absent"));
    }

    [Fact]
    public void Open_FileThatIsNotThere_SaysSo() =>
        Assert.Contains("absent.gguf cannot be read", Assert.Throws<GgufException>(() => GgufFile.Open(Path.Combine(_folder.Path, "absent.gguf"))).Message);

    public void Dispose() => _folder.Dispose();

    private byte[] Valid()
    {
        string path = Path.Combine(_folder.Path, "made.gguf");
        float[] values = [.. Enumerable.Range(0, 64).Select(i => i - 31.5f)];
        GgufTestFile.Write(path, ("first", "F32", [2, 32], values), ("second", "Q8_0", [2, 32], values));
        return File.ReadAllBytes(path);
    }

    private GgufException Refused(byte[] bytes, string name) => Assert.Throws<GgufException>(() => GgufFile.Open(Write(bytes, name)));

    private string Write(byte[] bytes, string name)
    {
        string path = Path.Combine(_folder.Path, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
