using System.IO.Compression;
using FineTuneService.Engine.Lora;

namespace FineTuneService.Adapters;

/// <summary>An adapter as a zip of PEFT's files: what is downloaded can be uploaded again, or unpacked for PEFT.</summary>
internal static class AdapterZip
{
    private const int MostEntries = 32;
    private const long LongestText = 4 << 20;
    private const int ShortestZip = 22;

    /// <summary>Files that an adapter may bring. Others in an upload are passed over, as PEFT's own folders hold a README.</summary>
    private static readonly string[] Known = [PeftFolder.ConfigFile, PeftFolder.WeightsFile, "chat_template.jinja", "tokenizer_config.json", "prompt_template.json"];

    /// <summary>Unpacks into a folder. Only names are used, never paths, so nothing lands outside it.</summary>
    /// <exception cref="InvalidDataException">Not a zip, too much in it, or PEFT's files are missing; the message says which.</exception>
    public static void Unpack(Stream zip, string folder, long limit)
    {
        if (zip.Length < ShortestZip) throw new InvalidDataException("the file is not a zip");
        using var archive = new ZipArchive(zip, ZipArchiveMode.Read);
        if (archive.Entries.Count > MostEntries) throw new InvalidDataException($"the zip has {archive.Entries.Count} entries; an adapter has at most {MostEntries}");
        foreach (ZipArchiveEntry entry in archive.Entries.Where(entry => Known.Contains(entry.Name)))
        {
            // Everything but the weights is read whole, as text.
            long most = entry.Name == PeftFolder.WeightsFile ? limit : LongestText, left = most;
            using Stream packed = entry.Open();
            using FileStream file = File.Create(Path.Combine(folder, entry.Name));
            var buffer = new byte[81920];
            // The size in a zip's header may lie: what is counted is what comes out.
            for (int read = packed.Read(buffer); read > 0; read = packed.Read(buffer))
            {
                if ((left -= read) < 0) throw new InvalidDataException($"{entry.Name} unpacks to more than {most} bytes");
                file.Write(buffer, 0, read);
            }
        }
        foreach (string name in new[] { PeftFolder.ConfigFile, PeftFolder.WeightsFile })
        {
            if (!File.Exists(Path.Combine(folder, name))) throw new InvalidDataException($"the zip has no {name}");
        }
    }

    public static void Pack(string folder, Stream zip)
    {
        using var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true);
        foreach (string name in Known.Where(name => File.Exists(Path.Combine(folder, name))))
            archive.CreateEntryFromFile(Path.Combine(folder, name), name, CompressionLevel.Fastest);
    }
}
