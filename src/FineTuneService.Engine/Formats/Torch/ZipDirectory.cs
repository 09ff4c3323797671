using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace FineTuneService.Engine.Formats.Torch;

/// <summary>
/// The files of a zip archive as torch.save writes it: stored, not compressed, so that each is a range of the archive's bytes
/// (PKWARE's APPNOTE 6.3, with zip64). System.IO.Compression does not say where an entry lies, and mapping it asks for that.
/// </summary>
internal static class ZipDirectory
{
    private const uint EndSignature = 0x06054b50, End64Signature = 0x06064b50, Locator64Signature = 0x07064b50, EntrySignature = 0x02014b50, LocalSignature = 0x04034b50;
    private const int EndBytes = 22, LongestComment = 65535, Locator64Bytes = 20, End64Bytes = 56, EntryBytes = 46, LocalBytes = 30;
    private const long LongestDirectory = 32 << 20;

    /// <summary>By name, without the folder that all of them lie in.</summary>
    /// <exception cref="TorchException">The archive is truncated or damaged, or compressed.</exception>
    public static Dictionary<string, ZipEntry> Read(SafeFileHandle file, string name)
    {
        long length = RandomAccess.GetLength(file);
        (long at, long bytes) = Directory(file, length, name);
        if (at < 0 || bytes < 0 || bytes > LongestDirectory || at > length - bytes) throw Bad(name, "its directory lies outside of it");
        byte[] directory = Bytes(file, at, (int)bytes, name);
        var entries = new Dictionary<string, ZipEntry>(StringComparer.Ordinal);
        for (int i = 0; i < directory.Length;)
        {
            ReadOnlySpan<byte> rest = directory.AsSpan(i);
            if (rest.Length < EntryBytes || BinaryPrimitives.ReadUInt32LittleEndian(rest) != EntrySignature) throw Bad(name, "its directory is damaged");
            int nameBytes = U16(rest, 28), extraBytes = U16(rest, 30), size = EntryBytes + nameBytes + extraBytes + U16(rest, 32);
            if (size > rest.Length) throw Bad(name, "its directory is damaged");
            string path = Encoding.UTF8.GetString(rest.Slice(EntryBytes, nameBytes));
            ZipEntry entry = Entry(file, rest, rest.Slice(EntryBytes + nameBytes, extraBytes), at, path, name);
            if (!entries.TryAdd(path[(path.IndexOf('/') + 1)..], entry)) throw Bad(name, $"{path} is there twice");
            i += size;
        }
        return entries;
    }

    private static (long At, long Bytes) Directory(SafeFileHandle file, long length, string name)
    {
        int tailBytes = (int)Math.Min(length, EndBytes + LongestComment);
        byte[] tail = Bytes(file, length - tailBytes, tailBytes, name);
        for (int i = tail.Length - EndBytes; i >= 0; i--)
        {
            ReadOnlySpan<byte> end = tail.AsSpan(i);
            if (BinaryPrimitives.ReadUInt32LittleEndian(end) != EndSignature) continue;
            return Directory64(file, length - tailBytes + i, name) ?? (U32(end, 16), U32(end, 12));
        }
        throw Bad(name, "its directory is missing: the file is truncated");
    }

    private static (long At, long Bytes)? Directory64(SafeFileHandle file, long end, string name)
    {
        if (end < Locator64Bytes) return null;
        byte[] locator = Bytes(file, end - Locator64Bytes, Locator64Bytes, name);
        if (U32(locator, 0) != Locator64Signature) return null;
        long at = I64(locator, 8);
        if (at < 0 || at > end - End64Bytes) throw Bad(name, "its zip64 directory lies outside of it");
        byte[] end64 = Bytes(file, at, End64Bytes, name);
        return U32(end64, 0) == End64Signature ? (I64(end64, 48), I64(end64, 40)) : throw Bad(name, "its zip64 directory is damaged");
    }

    private static ZipEntry Entry(SafeFileHandle file, ReadOnlySpan<byte> entry, ReadOnlySpan<byte> extra, long directory, string path, string name)
    {
        long packed = U32(entry, 20), length = U32(entry, 24), local = U32(entry, 42);
        // Zip64's extra field holds, in this order, those of the three that do not fit 32 bits.
        ReadOnlySpan<byte> wide = Extra64(extra);
        if (length == uint.MaxValue) length = Wide(ref wide, path, name);
        if (packed == uint.MaxValue) packed = Wide(ref wide, path, name);
        if (local == uint.MaxValue) local = Wide(ref wide, path, name);
        if (U16(entry, 10) != 0 || packed != length) throw Bad(name, $"{path} is compressed; save the file with torch.save, which does not compress");
        if (local < 0 || length < 0 || local > directory - LocalBytes) throw Bad(name, $"{path} lies outside of it");
        byte[] header = Bytes(file, local, LocalBytes, name);
        long begin = local + LocalBytes + U16(header, 26) + U16(header, 28);
        if (U32(header, 0) != LocalSignature || begin > directory - length) throw Bad(name, $"{path} lies outside of it");
        return new ZipEntry(begin, length);
    }

    private static ReadOnlySpan<byte> Extra64(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            int size = U16(extra, 2);
            if (size > extra.Length - 4) break;
            if (U16(extra, 0) == 1) return extra.Slice(4, size);
            extra = extra[(4 + size)..];
        }
        return default;
    }

    private static long Wide(ref ReadOnlySpan<byte> wide, string path, string name)
    {
        if (wide.Length < 8) throw Bad(name, $"{path}'s size is missing");
        long value = I64(wide, 0);
        wide = wide[8..];
        return value;
    }

    private static byte[] Bytes(SafeFileHandle file, long at, int count, string name)
    {
        var bytes = new byte[count];
        int read = 0;
        while (read < count && RandomAccess.Read(file, bytes.AsSpan(read), at + read) is > 0 and var more) read += more;
        return read == count ? bytes : throw Bad(name, "it is truncated");
    }

    private static int U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long I64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    private static TorchException Bad(string name, string why) => new($"{name} is not a usable PyTorch file: {why}.");
}
