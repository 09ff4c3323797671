using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Formats;

/// <summary>State dicts as torch.save writes them: pickle protocol 2 in a zip archive, or the older row of pickles.</summary>
internal sealed class TorchTestFile
{
    private readonly MemoryStream _pickle = new();
    private readonly List<(string Key, Tensor Values)> _storages = [];

    private TorchTestFile() { }

    public static byte[] Zip(IEnumerable<KeyValuePair<string, Tensor>> tensors) => Zip(Pickled(tensors, out List<(string Key, Tensor Values)> storages), storages);

    /// <summary>An archive of any pickle.</summary>
    public static byte[] Zip(byte[] pickle, IEnumerable<(string Key, Tensor Values)> storages, CompressionLevel level = CompressionLevel.NoCompression)
    {
        using var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create))
        {
            Write("model/data.pkl", pickle);
            Write("model/byteorder", "little"u8.ToArray());
            foreach ((string key, Tensor values) in storages) Write($"model/data/{key}", values.bytes.ToArray());
            Write("model/version", "3\n"u8.ToArray());

            void Write(string name, byte[] content)
            {
                using Stream entry = zip.CreateEntry(name, level).Open();
                entry.Write(content);
            }
        }
        return bytes.ToArray();
    }

    public static byte[] Legacy(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        using var bytes = new MemoryStream();
        bytes.Write([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.']);
        bytes.Write([0x80, 2, (byte)'M', 0xe9, 3, (byte)'.']);
        bytes.Write([0x80, 2, (byte)'}', .. Text("little_endian"), 0x88, (byte)'s', (byte)'.']);
        bytes.Write(Pickled(tensors, out List<(string Key, Tensor Values)> storages));
        bytes.Write([0x80, 2, (byte)']', (byte)'(', .. storages.SelectMany(storage => Text(storage.Key)), (byte)'e', (byte)'.']);
        foreach ((_, Tensor values) in storages)
        {
            bytes.Write(BitConverter.GetBytes(values.numel()));
            bytes.Write(values.bytes);
        }
        return bytes.ToArray();
    }

    /// <summary>A text as a pickle pushes it.</summary>
    public static byte[] Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text), length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, utf8.Length);
        return [(byte)'X', .. length, .. utf8];
    }

    private static byte[] Pickled(IEnumerable<KeyValuePair<string, Tensor>> tensors, out List<(string Key, Tensor Values)> storages)
    {
        var file = new TorchTestFile();
        file.Write(0x80, 2);
        // An ordered dictionary with attributes, as a module's state_dict is.
        file.Global("collections", "OrderedDict");
        file.Write((byte)')', (byte)'R', (byte)'q', 0, (byte)'(');
        foreach ((string name, Tensor tensor) in tensors) file.Write(name, tensor);
        file.Write((byte)'u', (byte)'}', (byte)'q', 1);
        file._pickle.Write(Text("_metadata"));
        file.Write((byte)'}', (byte)'s', (byte)'b', (byte)'.');
        storages = file._storages;
        return file._pickle.ToArray();
    }

    private void Write(string name, Tensor tensor)
    {
        string key = $"{_storages.Count}";
        // The storage lies row by row however the tensor walks it: a transposed one has its strides alone.
        Tensor values = tensor.is_contiguous() ? tensor : tensor.t().contiguous();
        _storages.Add((key, values));
        _pickle.Write(Text(name));
        Global("torch._utils", "_rebuild_tensor_v2");
        Write((byte)'(', (byte)'(');
        _pickle.Write(Text("storage"));
        Global("torch", tensor.dtype switch
        {
            ScalarType.Float32 => "FloatStorage",
            ScalarType.Float16 => "HalfStorage",
            ScalarType.BFloat16 => "BFloat16Storage",
            ScalarType.Float64 => "DoubleStorage",
            ScalarType.Int64 => "LongStorage",
            _ => throw new ArgumentOutOfRangeException(nameof(tensor)),
        });
        _pickle.Write(Text(key));
        _pickle.Write(Text("cpu"));
        Number(values.numel());
        Write((byte)'t', (byte)'Q');
        Number(0);
        Sizes(tensor.shape);
        Sizes(tensor.stride());
        Write(0x89);
        Global("collections", "OrderedDict");
        Write((byte)')', (byte)'R', (byte)'t', (byte)'R');
    }

    private void Sizes(long[] sizes)
    {
        Write((byte)'(');
        foreach (long size in sizes) Number(size);
        Write((byte)'t');
    }

    private void Number(long value)
    {
        Span<byte> bytes = stackalloc byte[5];
        bytes[0] = (byte)'J';
        BinaryPrimitives.WriteInt32LittleEndian(bytes[1..], (int)value);
        _pickle.Write(bytes);
    }

    private void Global(string module, string name) => _pickle.Write(Encoding.ASCII.GetBytes($"c{module}\n{name}\n"));

    private void Write(params byte[] bytes) => _pickle.Write(bytes);
}
