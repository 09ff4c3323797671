using System.Text.Json;

namespace FineTuneService.Engine.Tokenizers.Subwords;

/// <summary>Which two neighbours become which token, and how early: the lowest rank is merged first.</summary>
internal sealed class MergeTable
{
    private readonly Dictionary<long, (int Rank, int Id)> _merges;

    private MergeTable(int capacity) => _merges = new Dictionary<long, (int, int)>(capacity);

    public bool TryGet(int left, int right, out int rank, out int id)
    {
        var found = _merges.TryGetValue(Key(left, right), out var merge);
        (rank, id) = merge;
        return found;
    }

    /// <summary>Reads merges as ["a", "b"] pairs or, as older files have it, "a b" texts.</summary>
    /// <param name="continuingPrefix">Left out where the right part joins the left one.</param>
    /// <exception cref="TokenizerException">A part or the joined token is not in the vocabulary.</exception>
    public static MergeTable Read(JsonElement json, Vocabulary vocabulary, string continuingPrefix)
    {
        var table = new MergeTable(json.GetArrayLength());
        var rank = 0;
        foreach (var entry in json.EnumerateArray())
        {
            var (left, right) = Parts(entry);
            var joined = string.Concat(left, right.StartsWith(continuingPrefix, StringComparison.Ordinal) ? right.AsSpan(continuingPrefix.Length) : right);
            table._merges[Key(Known(left), Known(right))] = (rank++, Known(joined));
        }

        return table;

        int Known(string token) => vocabulary.IdOf(token) is >= 0 and var id
            ? id
            : throw new TokenizerException($"tokenizer.json: merge {rank} uses the token '{token}', which is not in the vocabulary.");
    }

    private static (string Left, string Right) Parts(JsonElement entry)
    {
        if (entry.ValueKind == JsonValueKind.Array && entry.GetArrayLength() == 2) return (entry[0].GetString()!, entry[1].GetString()!);
        var text = entry.ValueKind == JsonValueKind.String ? entry.GetString()! : "";
        var space = text.IndexOf(' ');
        if (space <= 0) throw new TokenizerException($"tokenizer.json: '{entry}' is not a merge of two tokens.");
        return (text[..space], text[(space + 1)..]);
    }

    private static long Key(int left, int right) => ((long)left << 32) | (uint)right;
}
