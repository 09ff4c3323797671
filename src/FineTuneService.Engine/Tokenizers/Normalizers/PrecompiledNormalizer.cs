using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Normalizers;

/// <summary>
/// Sentencepiece's compiled rules (precompiled_charsmap): a double-array trie of spellings (https://github.com/s-yata/darts-clone), and
/// what each becomes. Applied as Hugging Face's library does: to a character with what combines with it where that is short, else to each
/// character; of several spellings that begin it the shortest counts.
/// </summary>
internal sealed class PrecompiledNormalizer : Normalizer
{
    private const int LongestCluster = 5; // bytes of UTF-8

    private readonly uint[] _trie;
    private readonly byte[] _results;

    private PrecompiledNormalizer(uint[] trie, byte[] results) => (_trie, _results) = (trie, results);

    /// <param name="base64">The rules as tokenizer.json has them; null for none.</param>
    /// <exception cref="TokenizerException">They are damaged.</exception>
    public static PrecompiledNormalizer Of(string? base64)
    {
        byte[] bytes;
        try
        {
            bytes = Convert.FromBase64String(base64 ?? "");
        }
        catch (FormatException broken)
        {
            throw new TokenizerException("tokenizer.json: precompiled_charsmap is not base64.", broken);
        }
        if (bytes.Length == 0) return new PrecompiledNormalizer([], []);
        uint size = bytes.Length < 4 ? uint.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (size % 4 != 0 || size > bytes.Length - 4) throw new TokenizerException("tokenizer.json: precompiled_charsmap is truncated.");
        var trie = new uint[size / 4];
        for (int i = 0; i < trie.Length; i++) trie[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(4 + 4 * i));
        return new PrecompiledNormalizer(trie, bytes[(4 + (int)size)..]);
    }

    public override AlignedText Normalize(AlignedText text)
    {
        var builder = new AlignedTextBuilder(text);
        for (int at = 0, width; at < text.Text.Length; at += width)
        {
            ReadOnlySpan<char> rest = text.Text.AsSpan(at);
            width = StringInfo.GetNextTextElementLength(rest);
            ReadOnlySpan<char> cluster = rest[..width];
            if (width <= LongestCluster && System.Text.Encoding.UTF8.GetByteCount(cluster) <= LongestCluster && Result(cluster) is { } whole) Replace(builder, cluster, whole, at);
            else ReplaceEach(builder, cluster, at);
        }
        return builder.Build();
    }

    private void ReplaceEach(AlignedTextBuilder builder, ReadOnlySpan<char> cluster, int at)
    {
        for (int i = 0, width; i < cluster.Length; i += width)
        {
            width = char.IsHighSurrogate(cluster[i]) && i + 1 < cluster.Length ? 2 : 1;
            ReadOnlySpan<char> character = cluster.Slice(i, width);
            if (Result(character) is { } result) Replace(builder, character, result, at + i);
            else builder.Copy(at + i, at + i + width);
        }
    }

    /// <summary>Character by character of the old spelling; what there is more of comes from its last one.</summary>
    private static void Replace(AlignedTextBuilder builder, ReadOnlySpan<char> old, string result, int at)
    {
        int from = 0;
        foreach (Rune rune in result.EnumerateRunes())
        {
            builder.Append(rune.ToString(), at + from);
            int width = char.IsHighSurrogate(old[from]) && from + 1 < old.Length ? 2 : 1;
            if (from + width < old.Length) from += width;
        }
    }

    private string? Result(ReadOnlySpan<char> spelling)
    {
        if (_trie.Length == 0) return null;
        Span<byte> bytes = stackalloc byte[16];
        int count = System.Text.Encoding.UTF8.GetBytes(spelling, bytes);
        uint node = Offset(_trie[0]);
        foreach (byte value in bytes[..count])
        {
            node ^= value;
            if (value == 0 || node >= _trie.Length || (_trie[node] & 0x800000FF) != value) return null;
            uint unit = _trie[node];
            node ^= Offset(unit);
            if ((unit >> 8 & 1) == 1 && node < _trie.Length) return ResultAt(_trie[node] & int.MaxValue);
        }
        return null;
    }

    private string? ResultAt(uint start)
    {
        if (start >= _results.Length) return null;
        ReadOnlySpan<byte> rest = _results.AsSpan((int)start);
        int end = rest.IndexOf((byte)0);
        return System.Text.Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 1 << 9) >> 6);
}
