namespace FineTuneService.Engine.Tokenizers;

/// <summary>
/// Decodes ids one by one. A character that is cut into several tokens comes out with the last of them, so what comes out is
/// always whole. Only the last ids are kept: as many as are needed to decode the next one as it would be inside its text.
/// </summary>
public sealed class DecodeStream
{
    private const char Broken = '\uFFFD';

    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly List<int> _ids = [];
    private string _prefix = "";
    private int _prefixLength;

    internal DecodeStream(Tokenizer tokenizer, bool skipSpecialTokens)
    {
        _tokenizer = tokenizer;
        _skipSpecialTokens = skipSpecialTokens;
    }

    /// <returns>The text that this id completes, or null if none is whole yet.</returns>
    public string? Step(int id)
    {
        if (_prefix.Length == 0 && _ids.Count > 0) TakePrefix();
        _ids.Add(id);
        var text = Decode();
        if (text.Length <= _prefix.Length || text.EndsWith(Broken)) return null;

        var fresh = text[_prefix.Length..];
        var kept = _ids.Count - _prefixLength;
        _ids.RemoveRange(0, _prefixLength);
        _prefix = Decode();
        _prefixLength = kept;
        return fresh;
    }

    /// <summary>What is left when no more ids follow: characters that were never completed, as U+FFFD. Null if nothing is.</summary>
    public string? Flush()
    {
        var text = Decode();
        var rest = text.Length > _prefix.Length ? text[_prefix.Length..] : null;
        _ids.Clear();
        (_prefix, _prefixLength) = ("", 0);
        return rest;
    }

    private void TakePrefix()
    {
        var text = Decode();
        if (text.EndsWith(Broken)) return;
        (_prefix, _prefixLength) = (text, _ids.Count);
    }

    private string Decode() => _tokenizer.Decode([.. _ids], _skipSpecialTokens);
}
