using System.Buffers.Binary;

namespace FineTuneService.Adapters;

/// <summary>
/// The end of a zip, which says where its directory begins. .NET reads a directory whole before its first entry can be seen, whatever
/// the zip says of its length: how much there is to read is looked at before.
/// </summary>
internal static class ZipDirectory
{
    // Some ten thousand entries with names as long as they are in the field.
    private const long LongestDirectory = 2 << 20;
    private const int EndLength = 22, LongestComment = ushort.MaxValue, LocatorLength = 20, End64Length = 56;
    private const uint EndSignature = 0x06054b50, LocatorSignature = 0x07064b50, End64Signature = 0x06064b50;

    /// <exception cref="InvalidDataException">Not a zip, or its directory is too large.</exception>
    public static void RequireShort(Stream zip)
    {
        long begin = Begin(zip);
        if (begin < 0 || begin > zip.Length) throw new InvalidDataException("the file is not a zip, or its end is missing");
        if (zip.Length - begin > LongestDirectory + LongestComment)
            throw new InvalidDataException($"the zip's directory takes {zip.Length - begin} bytes; at most {LongestDirectory} are read: put an adapter's own files into it only");
        zip.Position = 0;
    }

    /// <summary>The directory's first byte, or -1 where there is none.</summary>
    private static long Begin(Stream zip)
    {
        byte[] tail = Read(zip, Math.Max(0, zip.Length - EndLength - LongestComment), EndLength + LongestComment);
        for (int at = tail.Length - EndLength; at >= 0; at--)
        {
            ReadOnlySpan<byte> end = tail.AsSpan(at);
            if (BinaryPrimitives.ReadUInt32LittleEndian(end) != EndSignature) continue;
            // Fields that are full of ones point to the larger format's end, which stands before this one.
            bool is64 = BinaryPrimitives.ReadUInt32LittleEndian(end[16..]) == uint.MaxValue || BinaryPrimitives.ReadUInt16LittleEndian(end[10..]) == ushort.MaxValue
                || BinaryPrimitives.ReadUInt16LittleEndian(end[4..]) == ushort.MaxValue;
            long begin = BinaryPrimitives.ReadUInt32LittleEndian(end[16..]);
            return is64 ? Begin64(zip, zip.Length - tail.Length + at) ?? begin : begin;
        }
        return -1;
    }

    /// <param name="end">Where the small format's end stands.</param>
    private static long? Begin64(Stream zip, long end)
    {
        if (end < LocatorLength) return null;
        byte[] locator = Read(zip, end - LocatorLength, LocatorLength);
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != LocatorSignature) return null;
        long at = BinaryPrimitives.ReadInt64LittleEndian(locator.AsSpan(8));
        if (at < 0 || at > zip.Length - End64Length) return -1;
        byte[] end64 = Read(zip, at, End64Length);
        return BinaryPrimitives.ReadUInt32LittleEndian(end64) == End64Signature ? BinaryPrimitives.ReadInt64LittleEndian(end64.AsSpan(48)) : -1;
    }

    private static byte[] Read(Stream zip, long at, int most)
    {
        var bytes = new byte[Math.Min(most, zip.Length - at)];
        zip.Position = at;
        zip.ReadExactly(bytes);
        return bytes;
    }
}
