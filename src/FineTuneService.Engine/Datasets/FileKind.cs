namespace FineTuneService.Engine.Datasets;

/// <summary>What a file's first bytes say about it.</summary>
internal static class FileKind
{
    /// <summary>A file's first bytes, and what starts with them. Longer ones first: UTF-32's mark begins with UTF-16's.</summary>
    private static readonly (byte[] Start, string Problem)[] NotText =
    [
        ([0xFF, 0xFE, 0, 0], "the file is UTF-32; save it as UTF-8."),
        ([0, 0, 0xFE, 0xFF], "the file is UTF-32; save it as UTF-8."),
        ([0xFF, 0xFE], "the file is UTF-16; save it as UTF-8."),
        ([0xFE, 0xFF], "the file is UTF-16; save it as UTF-8."),
        ([0x1F, 0x8B], "the file is gzip-compressed; upload it unpacked."),
        ([.. "PK\u0003\u0004"u8], "the file is a zip archive; upload what is in it."),
        ([.. "PAR1"u8], "the file is Parquet; upload JSONL."),
        ([0x89, .. "PNG"u8], "the file is an image."),
    ];

    public static readonly byte[] Utf8Mark = [0xEF, 0xBB, 0xBF];

    /// <returns>What is wrong, or null where the bytes may be text in UTF-8.</returns>
    public static string? Problem(ReadOnlySpan<byte> start)
    {
        foreach (var (bytes, problem) in NotText)
            if (start.StartsWith(bytes)) return problem;
        return null;
    }

    /// <summary>A first line without JSON: a web page, or columns.</summary>
    public static DatasetException? NotJson(ReadOnlySpan<byte> firstLine)
    {
        var line = firstLine.Trim(" \t\r"u8);
        if (line.IsEmpty || line[0] is (byte)'{' or (byte)'[' or (byte)'"' || line.StartsWith("//"u8)) return null;
        if (line[0] == '<') return new DatasetException(1, "the file is a web page or XML, not JSONL.");
        return line.IndexOfAny(",;\t"u8) >= 0 ? DatasetException.Unsupported(1, "CSV") : null;
    }
}
