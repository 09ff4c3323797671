using System.IO.Compression;
using System.IO.Hashing;
using FineTuneService.Engine.Formats.Torch;
using FineTuneService.Engine.Lora;
using FineTuneService.Receipts;

namespace FineTuneService.Adapters;

/// <summary>An adapter as a zip of PEFT's files: what is downloaded can be uploaded again, or unpacked for PEFT.</summary>
internal static class AdapterZip
{
    private const int MostEntries = 10_000;
    private const long LongestText = 1 << 20;

    // Trained numbers hardly shrink. What unpacks to many times its size is no adapter; small files of zeros may be a test.
    private const long LargestRatio = 50, SmallEnough = 16 << 20;

    /// <summary>Files that an adapter may bring. Others in an upload are passed over, as PEFT's own folders hold a README.</summary>
    private static readonly string[] Known = [PeftFolder.ConfigFile, PeftFolder.WeightsFile, ZipFolder.Pickled, "chat_template.jinja", "tokenizer_config.json", "prompt_template.json", Receipt.FileName];

    /// <summary>Unpacks the adapter's files of one folder of the zip, the one nearest the top. Only names are used, never paths, so nothing lands outside.</summary>
    /// <exception cref="Engine.Formats.TensorFileException">Its adapter_model.bin cannot be used.</exception>
    /// <exception cref="InvalidDataException">Not a zip, too much in it, damaged, or PEFT's files are missing; the message says which.</exception>
    /// <param name="require">Told of what all of them take on the disk, before the first is written.</param>
    public static void Unpack(Stream zip, string folder, long limit, Action<long>? require = null)
    {
        ZipDirectory.RequireShort(zip);
        using ZipArchive archive = Understood(() => new ZipArchive(zip, ZipArchiveMode.Read, leaveOpen: true));
        IReadOnlyList<ZipArchiveEntry> entries = Understood(() => archive.Entries);
        if (entries.Count > MostEntries) throw new InvalidDataException($"the zip has {entries.Count} entries; at most {MostEntries} are read");
        if (entries.Sum(entry => (decimal)entry.Length) > 8m * limit) throw new InvalidDataException($"the zip's entries unpack to more than {8m * limit} bytes in all");
        Dictionary<string, ZipArchiveEntry> chosen = ZipFolder.NearestTop(entries, Known);
        foreach ((string name, ZipArchiveEntry entry) in chosen) RequireSensible(entry, name is PeftFolder.WeightsFile or ZipFolder.Pickled ? limit : LongestText);
        require?.Invoke(chosen.Values.Sum(entry => entry.Length));
        foreach ((string name, ZipArchiveEntry entry) in chosen) Unpack(entry, Path.Combine(folder, name));
        if (!chosen.ContainsKey(ZipFolder.Pickled)) return;
        string pickled = Path.Combine(folder, ZipFolder.Pickled);
        TorchConversion.ToSafetensors(pickled, Path.Combine(folder, PeftFolder.WeightsFile));
        File.Delete(pickled);
    }

    /// <summary>Which of PEFT's files a folder lacks, or null.</summary>
    public static string? Missing(string folder) => ZipFolder.Needed.FirstOrDefault(name => !File.Exists(Path.Combine(folder, name)));

    public static void Pack(string folder, Stream zip)
    {
        using var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true);
        foreach (string name in Known.Where(name => File.Exists(Path.Combine(folder, name))))
            archive.CreateEntryFromFile(Path.Combine(folder, name), name, CompressionLevel.Fastest);
    }

    private static void RequireSensible(ZipArchiveEntry entry, long most)
    {
        if (entry.IsEncrypted) throw new InvalidDataException($"{entry.FullName} is encrypted");
        if (entry.Length > most) throw new InvalidDataException($"{entry.FullName} unpacks to more than {most} bytes");
        if (entry.Length > SmallEnough && entry.Length / LargestRatio > entry.CompressedLength)
            throw new InvalidDataException($"{entry.FullName} unpacks to more than {LargestRatio} times its size, as no trained weights do");
    }

    private static void Unpack(ZipArchiveEntry entry, string path)
    {
        using Stream packed = Understood(entry.Open);
        using FileStream file = File.Create(path);
        var sum = new Crc32();
        var buffer = new byte[81920];
        long left = entry.Length;
        // The size in a zip's directory may lie: what is counted is what comes out.
        for (int read = Understood(() => packed.Read(buffer)); read > 0; read = Understood(() => packed.Read(buffer)))
        {
            if ((left -= read) < 0) break;
            sum.Append(buffer.AsSpan(0, read));
            file.Write(buffer, 0, read);
        }
        if (left != 0 || sum.GetCurrentHashAsUInt32() != entry.Crc32) throw new InvalidDataException($"{entry.FullName} is damaged: its length or checksum is not the one that the zip states");
    }

    /// <summary>What .NET throws on a zip that contradicts itself is one sentence to whoever sent it.</summary>
    private static T Understood<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception broken) when (broken is InvalidDataException or IOException or ArgumentException or NotSupportedException or OverflowException or InvalidOperationException)
        {
            throw new InvalidDataException($"the zip is damaged, or packed in a way that is not read ({broken.Message.TrimEnd('.')})", broken);
        }
    }
}
