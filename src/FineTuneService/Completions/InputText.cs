using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace FineTuneService.Completions;

/// <summary>Reads the text out of {"input": "…"} as it comes, piece by piece.</summary>
internal sealed partial class InputText
{
    private readonly StringBuilder _held = new();
    private bool _begun, _ended;

    /// <returns>What is certain by now.</returns>
    public string Add(string json)
    {
        _held.Append(json);
        if (!_begun && Head().Match(_held.ToString()) is { Success: true } head)
        {
            _begun = true;
            _held.Remove(0, head.Length);
        }
        var text = new StringBuilder();
        int at = 0;
        while (_begun && !_ended && Next(at, out string letters) is > 0 and var size)
        {
            text.Append(letters);
            at += size;
        }
        _held.Remove(0, at);
        return text.ToString();
    }

    /// <summary>What has no such form is the input as it is.</summary>
    public string End() => _begun ? "" : _held.ToString();

    /// <summary>The next character, both halves of it where it has two.</summary>
    /// <returns>How much of what is held it takes; 0 where it is not all there, or the text has ended.</returns>
    private int Next(int at, out string letters)
    {
        letters = "";
        int size = Unit(at, out char first);
        if (size == 0) return 0;
        letters = first.ToString();
        if (!char.IsHighSurrogate(first)) return size;
        int rest = Unit(at + size, out char second);
        if (rest > 0) letters += second;
        return rest > 0 ? size + rest : 0;
    }

    private int Unit(int at, out char letter)
    {
        letter = at < _held.Length ? _held[at] : '"';
        if (at >= _held.Length) return 0;
        if (letter == '"') _ended = true;
        if (letter != '\\') return _ended ? 0 : 1;
        if (at + 1 >= _held.Length) return 0;
        if (_held[at + 1] == 'u')
        {
            if (at + 6 > _held.Length) return 0;
            letter = ushort.TryParse(_held.ToString(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code) ? (char)code : '\uFFFD';
            return 6;
        }
        letter = _held[at + 1] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'b' => '\b', 'f' => '\f', var same => same };
        return 2;
    }

    [GeneratedRegex(@"^\s*\{\s*""input""\s*:\s*""")]
    private static partial Regex Head();
}
