using System.IO.Compression;
using System.Text;

namespace FineTuneService.Benchmarks.Fuzz;

/// <summary>Changes what is in an archive, or how it is kept, and packs it again: its checksums hold, so the files themselves are read.</summary>
internal static class ZipMutator
{
    private static readonly string[] Names = ["a/", "../", "__MACOSX/", "README.md", ".DS_Store", "adapter_model.bin", "chat_template.jinja", "checkpoint/adapter_config.json", "/tmp/a", "a\\b", "é.txt"];
    private static readonly CompressionLevel[] Levels = [CompressionLevel.NoCompression, CompressionLevel.Fastest, CompressionLevel.SmallestSize];

    public static byte[] Mutate(byte[] zip, FuzzKind kind, Random random)
    {
        var entries = new List<(string Name, byte[] Bytes)>();
        using (var archive = new ZipArchive(new MemoryStream(zip)))
        {
            foreach (ZipArchiveEntry entry in archive.Entries)
            {
                using Stream from = entry.Open();
                using var bytes = new MemoryStream();
                from.CopyTo(bytes);
                entries.Add((entry.FullName, bytes.ToArray()));
            }
        }
        int at = random.Next(entries.Count);
        switch (random.Next(8))
        {
            case 0: entries.Add((Names[random.Next(Names.Length)], Encoding.UTF8.GetBytes(kind.Words[random.Next(kind.Words.Count)]))); break;
            case 1: entries.Add(entries[at]); break;
            case 2: entries.RemoveAt(at); break;
            case 3: entries[at] = (entries[at].Name + (char)('a' + random.Next(26)), entries[at].Bytes); break;
            case 4: entries = [.. entries.Select(entry => ("adapter/" + entry.Name, entry.Bytes))]; break;
            case 5: entries.Reverse(); break;
            default: entries[at] = (entries[at].Name, Mutator.Change(entries[at].Bytes, kind.Words, random)); break;
        }
        using var made = new MemoryStream();
        using (var archive = new ZipArchive(made, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in entries)
            {
                ZipArchiveEntry entry = archive.CreateEntry(name, Levels[random.Next(Levels.Length)]);
                entry.LastWriteTime = DateTimeOffset.UnixEpoch.AddYears(20); // The same bytes whenever it runs.
                using Stream to = entry.Open();
                to.Write(bytes);
            }
        }
        return made.ToArray();
    }
}
