using System.Text.Json;

namespace FineTuneService.Engine.Tokenizers.Subwords;

/// <summary>Tokens by id and ids by token.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _idsBySpan;
    private readonly Dictionary<int, string> _tokens;

    public Vocabulary(Dictionary<string, int> ids)
    {
        _ids = ids;
        _idsBySpan = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        _tokens = new Dictionary<int, string>(ids.Count);
        foreach (var (token, id) in ids)
        {
            _tokens[id] = token;
            LongestToken = Math.Max(LongestToken, token.Length);
        }
    }

    public int Count => _ids.Count;

    /// <summary>In UTF-16 units.</summary>
    public int LongestToken { get; }

    public IEnumerable<(string Text, int Id)> All => _ids.Select(entry => (entry.Key, entry.Value));

    /// <summary>The token's id, or -1.</summary>
    public int IdOf(ReadOnlySpan<char> token) => _idsBySpan.TryGetValue(token, out var id) ? id : -1;

    public string? TokenOf(int id) => _tokens.GetValueOrDefault(id);

    /// <summary>Reads an object of token: id.</summary>
    public static Vocabulary Read(JsonElement json)
    {
        var ids = new Dictionary<string, int>(json.GetPropertyCount(), StringComparer.Ordinal);
        foreach (var entry in json.EnumerateObject()) ids[entry.Name] = entry.Value.GetInt32();
        return new Vocabulary(ids);
    }
}
