using System.Reflection;
using System.Security.Cryptography;

namespace FineTuneService.Engine.Tests.Natives;

/// <summary>The build step that lets TorchSharp's library load where libstdc++ lacks a label, on that library itself.</summary>
public sealed class WeakenedLabelTests
{
    private const string Label = "GLIBCXX_3.4.32";

    private static readonly string s_library = Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "TorchSharpLibrary").Value!;

    [Fact]
    public void Weaken_LabelThatIsAskedFor_ChangesOneBitOfItsFlags()
    {
        byte[] before = File.ReadAllBytes(s_library), after = [.. before];

        Assert.True(WeakenedLabel.Weaken(after, Label));

        int[] changed = [.. Enumerable.Range(0, before.Length).Where(at => before[at] != after[at])];
        int flags = Assert.Single(changed);
        Assert.Equal((0, 2), (before[flags], after[flags]));
        Assert.Equal(ElfHash(Label), BitConverter.ToUInt32(before, flags - 4)); // vna_hash stands before vna_flags.
    }

    [Fact]
    public void Weaken_Twice_ChangesNothingMore()
    {
        byte[] once = File.ReadAllBytes(s_library);
        WeakenedLabel.Weaken(once, Label);
        byte[] twice = [.. once];
        Assert.True(WeakenedLabel.Weaken(twice, Label));
        Assert.Equal(once, twice);
    }

    [Fact]
    public void Weaken_LabelThatNobodyAsksFor_LeavesTheImage()
    {
        byte[] image = File.ReadAllBytes(s_library);
        Assert.False(WeakenedLabel.Weaken(image, "GLIBCXX_9.9.9"));
        Assert.Equal(File.ReadAllBytes(s_library), image);
    }

    [Fact]
    public void Build_ThisMachine_LeftThePackageCacheAsItCame()
    {
        // NuGet keeps the package's own hash beside it; the library in the archive is what the cache must still hold.
        string package = Path.GetFullPath(Path.Combine(s_library, "../../../.."));
        using var archive = System.IO.Compression.ZipFile.OpenRead(Directory.EnumerateFiles(package, "*.nupkg").Single());
        using Stream original = archive.Entries.Single(entry => entry.FullName.EndsWith("linux-x64/native/libLibTorchSharp.so", StringComparison.Ordinal)).Open();
        Assert.Equal(SHA256.HashData(original), SHA256.HashData(File.ReadAllBytes(s_library)));
    }

    /// <summary>System V ABI, "Hash Table": what a version's name is looked up by.</summary>
    private static uint ElfHash(string name)
    {
        uint hash = 0;
        foreach (char c in name)
        {
            hash = (hash << 4) + c;
            uint high = hash & 0xf0000000;
            hash = (hash ^ (high >> 24)) & ~high;
        }
        return hash;
    }
}
