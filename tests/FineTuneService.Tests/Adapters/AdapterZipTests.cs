using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using FineTuneService.Adapters;
using FineTuneService.Engine.Lora;

namespace FineTuneService.Tests.Adapters;

/// <summary>Zips as they come from the field, and those that are made to hurt.</summary>
public sealed class AdapterZipTests : IDisposable
{
    private const long Limit = 512L << 20;
    private static readonly byte[] One = Encoding.UTF8.GetBytes("config one"), Two = Encoding.UTF8.GetBytes("config two"), Weights = new byte[100];
    private readonly string _folder = Directory.CreateTempSubdirectory("finetune-zip-").FullName;

    [Theory]
    [InlineData("", "checkpoint-5/")]
    [InlineData("out/", "out/checkpoint-5/")]
    [InlineData("./out/", "out/checkpoint-5/")]
    [InlineData("a/b/", "a/b/c/d/")]
    [InlineData("out\\", "out\\checkpoint-5\\")]
    [InlineData("../", "x/y/")]
    public void Unpack_FolderWithACheckpointInIt_TakesTheOneNearestTheTop(string top, string deeper)
    {
        (string, byte[])[] entries = [(top + PeftFolder.ConfigFile, One), (top + PeftFolder.WeightsFile, Weights), (deeper + PeftFolder.ConfigFile, Two), (deeper + PeftFolder.WeightsFile, new byte[7])];
        foreach ((string, byte[])[] order in new[] { entries, [.. entries.Reverse()], [entries[3], entries[0], entries[2], entries[1]] })
        {
            Unpack(AdapterFiles.Zip(order));
            Assert.Equal(One, File.ReadAllBytes(In(PeftFolder.ConfigFile)));
            Assert.Equal(Weights, File.ReadAllBytes(In(PeftFolder.WeightsFile)));
        }
    }

    [Fact]
    public void Unpack_SideFiles_ComeFromTheSameFolder()
    {
        Unpack(AdapterFiles.Zip(
            ("out/" + PeftFolder.ConfigFile, One), ("out/" + PeftFolder.WeightsFile, Weights), ("chat_template.jinja", Two), ("out/checkpoint-5/prompt_template.json", Two), ("out/README.md", Two)));
        Assert.Equal([PeftFolder.ConfigFile, PeftFolder.WeightsFile], Directory.EnumerateFiles(_folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Unpack_ManyFilesThatAreNotNeeded_ArePassedOver()
    {
        var entries = Enumerable.Range(0, 500).Select(i => ($"out/checkpoint-{i}/trainer_state.json", Two));
        Unpack(AdapterFiles.Zip([.. entries, ("out/" + PeftFolder.ConfigFile, One), ("out/" + PeftFolder.WeightsFile, Weights), ("out/optimizer.pt", new byte[1 << 20])]));
        Assert.Equal(One, File.ReadAllBytes(In(PeftFolder.ConfigFile)));
    }

    [Fact]
    public void Unpack_FilesThatDoNotBelongTogether_AreRefusedNamingBoth()
    {
        (string, byte[]) Config(string folder) => (folder + PeftFolder.ConfigFile, One);
        (string, byte[]) Tensors(string folder) => (folder + PeftFolder.WeightsFile, Weights);
        Refused(["'a'", "'b'"], Config("a/"), Tensors("a/"), Config("b/"), Tensors("b/"));
        Refused(["'a'", "'b'"], Config("a/"), Tensors("b/"));
        Refused(["the top folder", "'weights'", PeftFolder.WeightsFile], Config(""), Tensors("weights/"));
        Refused(["the top folder", "'checkpoint-5'", PeftFolder.WeightsFile], Config(""), Config("checkpoint-5/"), Tensors("checkpoint-5/"));
        Refused(["twice", PeftFolder.ConfigFile], Config("a/"), Config("a/"), Tensors("a/"));
        Refused([PeftFolder.WeightsFile], Config("a/"));
        Refused([PeftFolder.ConfigFile], ("README.md", One));
        Refused([PeftFolder.ConfigFile]);
    }

    [Fact]
    public void Unpack_ZerosWithoutEnd_AreRefusedBeforeTheyAreUnpacked()
    {
        // As many as a directory can claim; what is packed is small.
        byte[] weights = AdapterFiles.Zip((PeftFolder.ConfigFile, One), (PeftFolder.WeightsFile, new byte[64 << 20]));
        Assert.Contains("more than 50 times its size", Refusal(weights));
        byte[] many = AdapterFiles.Zip([(PeftFolder.ConfigFile, One), (PeftFolder.WeightsFile, Weights), .. Enumerable.Range(0, 31).Select(i => ($"zeros-{i}", new byte[1 << 20]))]);
        Assert.Contains("in all", Refusal(many, limit: 3 << 20));
        Assert.Contains("unpacks to more than 1048576 bytes", Refusal(AdapterFiles.Zip((PeftFolder.ConfigFile, new byte[2 << 20]), (PeftFolder.WeightsFile, Weights))));
        Assert.Contains("unpacks to more than 50 bytes", Refusal(AdapterFiles.Zip((PeftFolder.ConfigFile, One), (PeftFolder.WeightsFile, Weights)), limit: 50));
    }

    [Fact]
    public void Unpack_DirectoryOfAMillionEntries_IsRefusedUnread()
    {
        const int Entries = 1_000_000;
        var zip = new byte[Entries * 47 + 22];
        for (int i = 0; i < Entries; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(i * 47), 0x02014b50);
            BinaryPrimitives.WriteUInt16LittleEndian(zip.AsSpan(i * 47 + 28), 1);
        }
        Span<byte> end = zip.AsSpan(Entries * 47);
        BinaryPrimitives.WriteUInt32LittleEndian(end, 0x06054b50);
        BinaryPrimitives.WriteUInt16LittleEndian(end[10..], 3); // It may lie about their number and length.
        BinaryPrimitives.WriteUInt32LittleEndian(end[12..], 141);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("directory takes 47000022 bytes", Refusal(zip));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void Unpack_BytesThatChanged_AreFoundByTheirSum()
    {
        byte[] whole = Stored();
        int weights = Find(whole, Weights);
        byte[] changed = [.. whole];
        changed[weights + 50] ^= 1;
        Assert.Contains("damaged", Refusal(changed));
        Unpack(whole);
    }

    [Fact]
    public void Unpack_AnyByteChangedOrTheEndCutOff_IsTakenAsItWasOrRefused()
    {
        byte[] whole = Stored();
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] changed = [.. whole];
            changed[at] ^= 0xFF;
            Try(changed);
            Try(whole[..at]);
        }
        Assert.Contains("not a zip", Refusal([]));
        Assert.Contains("not a zip", Refusal(new byte[100]));

        void Try(byte[] zip)
        {
            foreach (string file in Directory.EnumerateFiles(_folder)) File.Delete(file);
            try
            {
                Unpack(zip);
                Assert.Equal(One, File.ReadAllBytes(In(PeftFolder.ConfigFile)));
                Assert.Equal(Weights, File.ReadAllBytes(In(PeftFolder.WeightsFile)));
            }
            catch (InvalidDataException)
            {
                // Refused: any other exception fails the test.
            }
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static byte[] Stored()
    {
        var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in new[] { (PeftFolder.ConfigFile, One), (PeftFolder.WeightsFile, Weights) })
            {
                using Stream entry = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
                entry.Write(bytes);
            }
        }
        return zip.ToArray();
    }

    private static int Find(byte[] zip, byte[] bytes) => zip.AsSpan().IndexOf(bytes);

    private void Refused(string[] named, params (string, byte[])[] entries)
    {
        string message = Refusal(AdapterFiles.Zip(entries));
        Assert.All(named, name => Assert.Contains(name, message));
    }

    private string Refusal(byte[] zip, long limit = Limit) => Assert.Throws<InvalidDataException>(() => Unpack(zip, limit)).Message;

    private void Unpack(byte[] zip, long limit = Limit) => AdapterZip.Unpack(new MemoryStream(zip), _folder, limit);

    private string In(string name) => Path.Combine(_folder, name);
}
