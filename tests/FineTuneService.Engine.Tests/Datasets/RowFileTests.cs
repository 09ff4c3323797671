using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Datasets;

public class RowFileTests
{
    [Fact]
    public void Rows_MoreThanMemoryHolds_AreReadInAnyOrder()
    {
        using var folder = new TemporaryFolder();
        long asked = 0;
        using var rows = new RowFile(folder.Path, bytes => asked += bytes);
        // 20,000 rows of 1 to 1,000 tokens are ten million: part of them goes to the disk.
        for (int i = 0; i < 20_000; i++) rows.Add(Row(i));
        Assert.InRange(asked, 1 << 20, rows.Tokens * sizeof(int));
        foreach (int i in (int[])[0, 19_999, 1, 12_345, 16_000, 17_000, 7])
        {
            Assert.Equal(Row(i).Ids, rows[i].Ids);
            Assert.Equal(Row(i).Labels, rows[i].Labels);
        }
        Assert.Equal(rows.Tokens, rows.Sum(row => (long)row.Ids.Length));
    }

    [Fact]
    public void Rows_WithARejectedAnswer_HaveItAgain()
    {
        using var folder = new TemporaryFolder();
        using var rows = new RowFile(folder.Path, mostInMemory: 100);
        for (int i = 0; i < 50; i++) rows.Add(Row(i) with { Rejected = Row(i + 500) });
        Assert.Equal(50, rows.Count);
        Assert.Equal(Row(7).Ids, rows[7].Ids);
        Assert.Equal(Row(507).Labels, rows[7].Rejected!.Labels);
        Assert.Throws<ArgumentException>(() => rows.Add(Row(1)));
    }

    [Fact]
    public void Dispose_RowsOnDisk_LeavesNothing()
    {
        using var folder = new TemporaryFolder();
        using (var rows = new RowFile(folder.Path))
            for (int i = 0; i < 20_000; i++) rows.Add(Row(i));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Add_DiskThatMayNotTakeIt_Throws()
    {
        using var folder = new TemporaryFolder();
        using var rows = new RowFile(folder.Path, _ => throw new IOException("full"));
        Assert.Throws<IOException>(() =>
        {
            for (int i = 0; i < 20_000; i++) rows.Add(Row(i));
        });
    }

    /// <summary>A file that is read, encoded and kept needs no more memory for four times the rows, but for some bytes a row.</summary>
    [Fact]
    public void Encode_FourTimesTheRows_NeedsNoMoreMemory()
    {
        using var folder = new TemporaryFolder();
        long few = Held(folder.Path, 10_000), many = Held(folder.Path, 40_000);
        // Less than nothing, where garbage of earlier tests went meanwhile.
        Assert.True(many - Math.Max(few, 0) < 2_000_000, $"{few} bytes for 10,000 rows, {many} for 40,000");
    }

    private static long Held(string folder, int count)
    {
        var tokenizer = Tokenizer.Parse(BpeTrainer.Train(["row and its answer 0123456789"], 300, ["<|end|>"]), """{"eos_token": "<|end|>"}""");
        using var rows = new RowFile(folder, mostInMemory: 1 << 16);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var encoded = new RowEncoder(tokenizer, null, 512).Encode(new DatasetReader(new MadeRows(count)).Rows(), rows);
        Assert.Equal((count, 0), (encoded.Rows.Count, encoded.Problems.Count));
        long held = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(encoded);
        return held;
    }

    private static TrainingRow Row(int number)
    {
        int[] ids = [.. Enumerable.Range(number, number % 1000 + 1)];
        return new TrainingRow(ids, [.. ids.Select((id, i) => i % 3 == 0 ? TrainingRow.Ignored : id)]);
    }

    /// <summary>A file of rows of some 180 tokens each, made as it is read.</summary>
    private sealed class MadeRows(int count) : Stream
    {
        private int _row;
        private byte[] _line = [];
        private int _at;

        public override int Read(byte[] buffer, int offset, int length)
        {
            if (_at == _line.Length)
            {
                if (_row == count) return 0;
                _line = System.Text.Encoding.UTF8.GetBytes($"{{\"prompt\": \"row {_row++} {new string('x', 100)}\", \"completion\": \" and its answer {new string('y', 50)}\"}}\n");
                _at = 0;
            }
            int taken = Math.Min(length, _line.Length - _at);
            _line.AsSpan(_at, taken).CopyTo(buffer.AsSpan(offset));
            _at += taken;
            return taken;
        }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
