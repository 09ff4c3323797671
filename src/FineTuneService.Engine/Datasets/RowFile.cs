using System.Collections;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FineTuneService.Engine.Datasets;

/// <summary>
/// Encoded rows, four bytes a token: some of them in memory, and where there are more, the others in a temporary file, so that a million
/// rows need no more memory than ten thousand. They are added one behind the other, and read in any order.
/// </summary>
/// <param name="folder">Of the disk that rows go to. The file has no name there, or goes with this object.</param>
/// <param name="require">Asked before so many bytes are written: throws where the disk may not take them.</param>
/// <param name="mostInMemory">Tokens that are held in memory.</param>
public sealed class RowFile(string folder, Action<long>? require = null, int mostInMemory = 1 << 23) : IReadOnlyList<TrainingRow>, IDisposable
{
    /// <summary>Of sequences: a row has one, or two where it has a rejected answer.</summary>
    private readonly List<long> _ends = [];
    private int _sequencesOfRow = 1;
    private readonly List<int> _inMemory = [];
    private SafeFileHandle? _file;
    private long _inFile;

    public int Count => _ends.Count / _sequencesOfRow;

    /// <summary>Tokens of all rows.</summary>
    public long Tokens => _ends.Count == 0 ? 0 : _ends[^1];

    public TrainingRow this[int index] => _sequencesOfRow == 1 ? Sequence(index) : Sequence(2 * index) with { Rejected = Sequence(2 * index + 1) };

    /// <param name="row">One sequence; its labels are its ids, or <see cref="TrainingRow.Ignored"/>. All rows have a rejected answer, or none.</param>
    /// <exception cref="IOException">The disk does not take it.</exception>
    public void Add(TrainingRow row)
    {
        int sequences = row.Rejected is null ? 1 : 2;
        if (_ends.Count > 0 && sequences != _sequencesOfRow) throw new ArgumentException("rows with and without a rejected answer cannot lie in one file");
        _sequencesOfRow = sequences;
        AddSequence(row);
        if (row.Rejected is not null) AddSequence(row.Rejected);
    }

    private TrainingRow Sequence(int index)
    {
        int[] ids = Read(index), labels = new int[ids.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            // A token without loss is stored as its complement.
            if (ids[i] < 0) (ids[i], labels[i]) = (~ids[i], TrainingRow.Ignored);
            else labels[i] = ids[i];
        }
        return new TrainingRow(ids, labels);
    }

    private void AddSequence(TrainingRow row)
    {
        if (_inMemory.Count + row.Ids.Length > mostInMemory) Write();
        for (int i = 0; i < row.Ids.Length; i++) _inMemory.Add(row.Labels[i] == TrainingRow.Ignored ? ~row.Ids[i] : row.Ids[i]);
        _ends.Add(Tokens + row.Ids.Length);
    }

    public IEnumerator<TrainingRow> GetEnumerator()
    {
        for (int i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose() => _file?.Dispose();

    private void Write()
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_inMemory));
        require?.Invoke(bytes.Length);
        _file ??= Open();
        RandomAccess.Write(_file, bytes, _inFile * sizeof(int));
        _inFile += _inMemory.Count;
        _inMemory.Clear();
    }

    private SafeFileHandle Open()
    {
        string path = Path.Combine(folder, $"rows-{Guid.NewGuid():n}");
        SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.DeleteOnClose);
        // Where a file may be unlinked while it is open, nothing is left of it whatever ends the process.
        if (!OperatingSystem.IsWindows()) File.Delete(path);
        return file;
    }

    private long Start(int index) => index == 0 ? 0 : _ends[index - 1];

    private int[] Read(int index)
    {
        long start = Start(index);
        int[] tokens = new int[(int)(_ends[index] - start)];
        if (start >= _inFile)
        {
            _inMemory.CopyTo((int)(start - _inFile), tokens, 0, tokens.Length);
            return tokens;
        }
        Span<byte> bytes = MemoryMarshal.AsBytes(tokens.AsSpan());
        for (long at = start * sizeof(int); bytes.Length > 0;)
        {
            int read = RandomAccess.Read(_file!, bytes, at);
            if (read == 0) throw new EndOfStreamException($"the temporary file of rows in {folder} was cut.");
            bytes = bytes[read..];
            at += read;
        }
        return tokens;
    }
}
