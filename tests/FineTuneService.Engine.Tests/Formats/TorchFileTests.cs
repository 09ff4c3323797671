using System.IO.Compression;
using System.Text;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Torch;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Formats;

/// <summary>Files of torch.save: read as data, or refused by name.</summary>
public sealed class TorchFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly IDisposable _scope = NewDisposeScope();

    public static TheoryData<string> Adapters() => Shared.Entries("adapters/peft-regression", "lora_*");

    /// <summary>Adapters that PEFT wrote with PyTorch 2: every tensor is its storage's bytes, told by .NET's own zip reader.</summary>
    [Theory, MemberData(nameof(Adapters))]
    public void Read_AdapterOfPeft_HasItsStoragesBytes(string name)
    {
        string path = Shared.Path("adapters/peft-regression", name, "adapter_model.bin");
        using TorchFile file = TorchFile.Open(path);
        using ZipArchive zip = ZipFile.OpenRead(path);
        string[] tensors = [.. file.Names];
        Assert.Equal(zip.Entries.Count(entry => entry.FullName.Contains("/data/")), tensors.Length);
        for (int i = 0; i < tensors.Length; i++)
        {
            using Stream storage = zip.GetEntry($"adapter_model/data/{i}")!.Open();
            using var bytes = new MemoryStream();
            storage.CopyTo(bytes);
            using Tensor values = file.Read(tensors[i]);
            Assert.Equal(ScalarType.Float32, values.dtype);
            Assert.True(values.bytes.SequenceEqual(bytes.ToArray()), tensors[i]);
            file.RefuseNonFinite(tensors[i]);
        }
        Fidelity.Passed("adapters", $"{name} (adapter_model.bin)", $"{tensors.Length} tensors: equal bytes");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Read_WrittenTensors_AreEqual(bool legacy)
    {
        var tensors = new Dictionary<string, Tensor>
        {
            ["single"] = arange(12, ScalarType.Float32).view(3, 4),
            ["half"] = arange(6, ScalarType.Float32).to_type(ScalarType.Float16),
            ["brain"] = arange(6, ScalarType.Float32).to_type(ScalarType.BFloat16).view(2, 3),
            ["double"] = arange(3, ScalarType.Float64),
            ["whole"] = arange(5, ScalarType.Int64),
            ["columns"] = arange(6, ScalarType.Float32).view(2, 3).t(),
            ["scalar"] = tensor(2.5f),
            ["none"] = zeros([0, 2]),
        };
        using TorchFile file = TorchFile.Open(Write(legacy ? TorchTestFile.Legacy(tensors) : TorchTestFile.Zip(tensors)));
        Assert.Equal(tensors.Keys, file.Names);
        foreach ((string name, Tensor value) in tensors)
        {
            Tensor read = file.Read(name), copy = zeros_like(value);
            Assert.Equal(value.dtype, file.Find(name)!.Dtype);
            Assert.Equal(value.shape, file.Find(name)!.Shape);
            Assert.True(read.Equals(value), name);
            ((ITensorSource)file).CopyTo(name, copy);
            Assert.True(copy.Equals(value), name);
        }
    }

    [Fact]
    public void RefuseNonFinite_TransposedTensor_IsFound()
    {
        Tensor values = full([3, 2], 1f);
        values[2, 1] = float.PositiveInfinity;
        using TorchFile file = TorchFile.Open(Write(TorchTestFile.Zip(new Dictionary<string, Tensor> { ["w"] = values.t(), ["good"] = ones(3) })));
        Assert.Contains("tensor w holds NaN or infinity", Assert.Throws<TorchException>(() => file.RefuseNonFinite("w")).Message);
        file.RefuseNonFinite("good");
    }

    /// <summary>What pickles of the field's attacks ask for, and what torch.load would call.</summary>
    [Theory]
    [InlineData("cos\nsystem\n(X\x02\0\0\0idtR.", "os.system")]
    [InlineData("cbuiltins\neval\n(X\x01\0\0\01tR.", "builtins.eval")]
    [InlineData("csubprocess\nPopen\n.", "subprocess.Popen")]
    [InlineData("ctorch\nload\n.", "torch.load")]
    [InlineData("ctorch._utils\n_rebuild_qtensor\n.", "torch._utils._rebuild_qtensor")]
    [InlineData("c__torch__.Model\nModel\n.", "__torch__.Model.Model")]
    [InlineData("X\x02\0\0\0osX\x06\0\0\0system\u0093.", "os.system")]
    [InlineData("(i__main__\nRun\n.", "opcode 0x69")]
    [InlineData("(X\x01\0\0\0ao.", "opcode 0x6F")]
    [InlineData("ccollections\nOrderedDict\n)\u0081.", "opcode 0x81")]
    [InlineData("X\x01\0\0\0aX\x01\0\0\0bR.", "it makes a value")]
    [InlineData("ctorch\nFloatStorage\n)R.", "it makes a value")]
    [InlineData("ccollections\nOrderedDict\nX\x01\0\0\0ab.", "sets attributes")]
    [InlineData("(X\x01\0\0\0atQ.", "refers to a storage")]
    [InlineData("R.", "stack runs empty")]
    [InlineData("t.", "marks do not match")]
    [InlineData("(0.", "marks do not match")]
    [InlineData("h\x05.", "recalls what it has not remembered")]
    [InlineData("X\xff\xff\xff\x7f", "a text of")]
    [InlineData("}", "truncated")]
    [InlineData("]}s.", "stack runs empty")]
    [InlineData("N.", "does not hold a dictionary")]
    [InlineData("}K\x01Ns.", "its key 1 is no text")]
    [InlineData("}X\x05\0\0\0epochK\x03s.", "epoch is no tensor")]
    public void Open_PickleThatIsNotAStateDict_IsRefusedByName(string pickle, string message)
    {
        byte[] bytes = [0x80, 2, .. pickle.Select(unit => (byte)unit)];
        Assert.Contains(message, Refused(TorchTestFile.Zip(bytes, [])).Message);
    }

    [Fact]
    public void Open_PicklesThatGrow_AreBounded()
    {
        byte[] values = [0x80, 2, .. Enumerable.Repeat((byte)']', 3_000_000), (byte)'.'];
        Assert.Contains("more than 2000000 values", Refused(TorchTestFile.Zip(values, [])).Message);
        byte[] memos = [0x80, 2, (byte)'N', .. Enumerable.Range(0, 1_100_000).SelectMany(i => (byte[])[(byte)'r', .. BitConverter.GetBytes(i)]), (byte)'.'];
        Assert.Contains("remembers more than 1000000", Refused(TorchTestFile.Zip(memos, [])).Message);
    }

    [Theory]
    [InlineData(4L, 0L, 5L, 1L, "reaches beyond its storage")]
    [InlineData(4L, 1L, 4L, 1L, "reaches beyond its storage")]
    [InlineData(4L, 0L, 2L, 4L, "reaches beyond its storage")]
    [InlineData(4L, -1L, 2L, 1L, "reaches beyond its storage")]
    [InlineData(4L, 0L, 1000L, 0L, "reaches beyond its storage")]
    [InlineData(4L, 0L, -1L, 1L, "has the shape [-1]")]
    [InlineData(4L, 0L, 1L, -1L, "strides [-1]")]
    [InlineData(4L, 0L, int.MaxValue, int.MaxValue, "reaches beyond its storage")]
    [InlineData(5L, 0L, 1L, 1L, "it has 16 bytes")]
    [InlineData(-1L, 0L, 1L, 1L, "refers to a storage")]
    public void Open_TensorBeyondItsStorage_IsRefused(long count, long offset, long size, long stride, string message)
    {
        byte[] pickle = [0x80, 2, (byte)'}', .. TorchTestFile.Text("w"), .. Ascii("ctorch._utils\n_rebuild_tensor_v2\n(("), .. TorchTestFile.Text("storage"), .. Ascii("ctorch\nFloatStorage\n"),
            .. TorchTestFile.Text("0"), .. TorchTestFile.Text("cpu"), .. Number(count), .. Ascii("tQ"), .. Number(offset), (byte)'(', .. Number(size), .. Ascii("t("), .. Number(stride),
            (byte)'t', 0x89, (byte)'N', .. Ascii("tRs.")];
        Assert.Contains(message, Refused(TorchTestFile.Zip(pickle, [("0", ones(4))])).Message);

        static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);
        static byte[] Number(long value) => [(byte)'J', .. BitConverter.GetBytes((int)value)];
    }

    [Fact]
    public void Open_StorageThatIsMissing_IsNamed() =>
        Assert.Contains("storage 0) are missing", Refused(Without("model/data/0")).Message);

    [Fact]
    public void Open_CompressedArchive_SaysWhatToDo()
    {
        byte[] pickle = [0x80, 2, .. Enumerable.Repeat((byte)'N', 1000), (byte)'.'];
        Assert.Contains("is compressed; save the file with torch.save", Refused(TorchTestFile.Zip(pickle, [], CompressionLevel.Optimal)).Message);
    }

    [Fact]
    public void Open_TarOfOldPyTorch_SaysWhatToDo()
    {
        var bytes = new byte[1024];
        "ustar"u8.CopyTo(bytes.AsSpan(257));
        Assert.Contains("before 0.4", Refused(bytes).Message);
    }

    /// <summary>Whatever a byte becomes, and wherever the file ends, it is read or refused: nothing else is thrown.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Open_DamagedFile_IsReadOrRefused(bool legacy)
    {
        var tensors = new Dictionary<string, Tensor> { ["a"] = arange(4, ScalarType.Float32).view(2, 2), ["b"] = ones(3, dtype: ScalarType.BFloat16) };
        byte[] whole = legacy ? TorchTestFile.Legacy(tensors) : TorchTestFile.Zip(tensors);
        int refused = 0, tried = 0;
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] changed = [.. whole];
            changed[at] ^= (byte)(1 << at % 8);
            foreach (byte[] bytes in (byte[][])[changed, whole[..at]])
            {
                tried++;
                try
                {
                    using TorchFile file = TorchFile.Open(Write(bytes));
                    foreach (string name in file.Names) file.Read(name).Dispose();
                }
                catch (TorchException)
                {
                    refused++;
                }
            }
        }
        Assert.True(refused > tried / 2, $"{refused} of {tried}");
    }

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    private static byte[] Without(string entry)
    {
        using var bytes = new MemoryStream();
        bytes.Write(TorchTestFile.Zip(new Dictionary<string, Tensor> { ["w"] = ones(2) }));
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Update)) zip.GetEntry(entry)!.Delete();
        return bytes.ToArray();
    }

    private TorchException Refused(byte[] bytes)
    {
        var refused = Assert.Throws<TorchException>(() => TorchFile.Open(Write(bytes)));
        Assert.Contains("model.bin", refused.Message);
        Assert.DoesNotContain("System.", refused.Message);
        return refused;
    }

    private string Write(byte[] bytes)
    {
        string path = Path.Combine(_folder.Path, "model.bin");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
