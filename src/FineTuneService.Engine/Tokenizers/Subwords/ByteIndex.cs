using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Subwords;

/// <summary>From bytes of a word in UTF-8 to its UTF-16 units: a byte inside a character stands for the whole of it.</summary>
internal readonly ref struct ByteIndex
{
    private readonly ReadOnlySpan<char> _word;

    // The first unit of each byte's character; null when bytes and units are the same.
    private readonly int[]? _units;

    public ByteIndex(ReadOnlySpan<char> word)
    {
        _word = word;
        if (System.Text.Ascii.IsValid(word)) return;
        _units = new int[System.Text.Encoding.UTF8.GetByteCount(word)];
        for (int unit = 0, done = 0, width; unit < word.Length; unit += width)
        {
            CodePoints.At(word, unit, out width);
            var length = System.Text.Encoding.UTF8.GetByteCount(word.Slice(unit, width));
            _units.AsSpan(done, length).Fill(unit);
            done += length;
        }
    }

    public int StartOf(int startByte) => _units is null ? startByte : _units[startByte];

    public int EndOf(int endByte)
    {
        if (_units is null) return endByte;
        CodePoints.At(_word, _units[endByte - 1], out var width);
        return _units[endByte - 1] + width;
    }
}
