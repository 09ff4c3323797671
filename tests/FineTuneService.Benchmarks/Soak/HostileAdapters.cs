using System.IO.Compression;
using System.Text;

namespace FineTuneService.Benchmarks.Soak;

/// <summary>Adapters that do harm, made from a tenant's own.</summary>
internal static class HostileAdapters
{
    /// <summary>A template that would loop for hours.</summary>
    public const string LoopingTemplate =
        "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{{ '' }}{% endfor %}{% endfor %}{% endfor %}{{ messages[0].content }}";

    /// <summary>The same adapter with every number of its last tensor's last row replaced.</summary>
    public static byte[] WithValue(byte[] zip, float value) => Change(zip, "adapter_model.safetensors", bytes =>
    {
        for (int at = bytes.Length - 64; at < bytes.Length; at += 4) BitConverter.TryWriteBytes(bytes.AsSpan(at), value);
        return bytes;
    });

    public static byte[] WithTemplate(byte[] zip, string template) => Change(zip, "chat_template.jinja", _ => Encoding.UTF8.GetBytes(template));

    private static byte[] Change(byte[] zip, string name, Func<byte[], byte[]> change)
    {
        var copy = new MemoryStream();
        copy.Write(zip);
        using (var archive = new ZipArchive(copy, ZipArchiveMode.Update, leaveOpen: true))
        {
            ZipArchiveEntry? entry = archive.Entries.SingleOrDefault(e => e.Name == name);
            byte[] before = [];
            if (entry is not null)
            {
                using var read = new MemoryStream();
                using (Stream stream = entry.Open()) stream.CopyTo(read);
                before = read.ToArray();
                name = entry.FullName;
                entry.Delete();
            }
            using Stream write = archive.CreateEntry(name).Open();
            write.Write(change(before));
        }
        return copy.ToArray();
    }
}
