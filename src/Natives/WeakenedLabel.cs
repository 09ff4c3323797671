#nullable disable // The build compiles this file by itself, for .NET Standard.
#pragma warning disable IDE0005
using System;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;

/// <summary>
/// A build task: puts a copy of a native library into the output whose wish for one version label of another library is weak, so that
/// the loader of a system whose library is older takes it. Debian 12's libstdc++ lacks GLIBCXX_3.4.32, which TorchSharp's library names
/// for a symbol that it never uses. Nothing is done where the system's library has the label; the library itself is never written to,
/// since the package cache may share it with other projects.
/// </summary>
public sealed class WeakenedLabel : Microsoft.Build.Utilities.Task
{
    private const ushort Weak = 0x2; // VER_FLG_WEAK, ELF gABI "Symbol Versioning", vna_flags

    [Required] public string Library { get; set; } = "";
    [Required] public string Copy { get; set; } = "";
    [Required] public string Label { get; set; } = "";

    /// <summary>Where the library that should have the label may be; the first that exists counts.</summary>
    [Required] public string[] Providers { get; set; } = new string[0];

    /// <summary>Whether the copy was made.</summary>
    [Output] public bool Made { get; set; }

    public override bool Execute()
    {
        string provider = Array.Find(Providers, File.Exists);
        if (provider == null || Holds(File.ReadAllBytes(provider), Label)) return true;
        byte[] image = File.ReadAllBytes(Library);
        if (!Weaken(image, Label)) return true;
        // A new file under the name: what lay there may be a link into the package cache.
        Directory.CreateDirectory(Path.GetDirectoryName(Copy));
        File.WriteAllBytes(Copy + ".new", image);
        File.Delete(Copy);
        File.Move(Copy + ".new", Copy);
        Made = true;
        Log.LogMessage(MessageImportance.High, "{0} lacks {1}: the label is marked weak in {2}.", provider, Label, Copy);
        return true;
    }

    /// <summary>Marks the label weak in .gnu.version_r of a 64-bit little-endian ELF image.</summary>
    /// <returns>Whether the image asks for the label.</returns>
    public static bool Weaken(byte[] image, string label)
    {
        const uint VersionNeeds = 0x6ffffffe; // SHT_GNU_verneed
        long sections = BitConverter.ToInt64(image, 0x28);
        int size = BitConverter.ToUInt16(image, 0x3a), count = BitConverter.ToUInt16(image, 0x3c);
        for (int i = 0; i < count; i++)
        {
            int section = (int)sections + i * size;
            if (BitConverter.ToUInt32(image, section + 4) != VersionNeeds) continue;
            int strings = (int)BitConverter.ToInt64(image, (int)sections + BitConverter.ToInt32(image, section + 0x28) * size + 0x18);
            return WeakenNeeds(image, (int)BitConverter.ToInt64(image, section + 0x18), strings, label);
        }
        return false;
    }

    /// <summary>Elf64_Verneed entries (version, cnt, file, aux, next), each with a chain of Elf64_Vernaux (hash, flags, other, name, next).</summary>
    private static bool WeakenNeeds(byte[] image, int need, int strings, string label)
    {
        var found = false;
        while (true)
        {
            int entry = need + BitConverter.ToInt32(image, need + 8);
            while (true)
            {
                if (TextAt(image, strings + BitConverter.ToInt32(image, entry + 8)) == label)
                {
                    image[entry + 4] |= (byte)Weak;
                    found = true;
                }
                int nextEntry = BitConverter.ToInt32(image, entry + 12);
                if (nextEntry == 0) break;
                entry += nextEntry;
            }
            int nextNeed = BitConverter.ToInt32(image, need + 12);
            if (nextNeed == 0) return found;
            need += nextNeed;
        }
    }

    private static string TextAt(byte[] image, int at) => Encoding.ASCII.GetString(image, at, Array.IndexOf(image, (byte)0, at) - at);

    private static bool Holds(byte[] image, string label) => Encoding.ASCII.GetString(image).Contains(label + "\0");
}
