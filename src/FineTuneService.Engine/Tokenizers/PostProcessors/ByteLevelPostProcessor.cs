using FineTuneService.Engine.Tokenizers.Batches;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PostProcessors;

/// <summary>Takes the spaces at a byte-level token's ends out of its offsets, if asked.</summary>
internal sealed class ByteLevelPostProcessor(bool trimOffsets, bool addPrefixSpace) : PostProcessor
{
    public override TokenSequence Process(TokenSequence tokens, bool addSpecialTokens)
    {
        if (trimOffsets && tokens.Detailed) Trim(tokens, addPrefixSpace);
        return tokens;
    }

    public override IReadOnlyList<TextPart> Process(IReadOnlyList<TextPart> texts, bool addSpecialTokens)
    {
        if (!trimOffsets) return texts;
        foreach (TextPart text in texts.SelectMany(text => text.Overflowing.Prepend(text))) Trim(text.Tokens, addPrefixSpace);
        return texts;
    }

    /// <param name="addPrefixSpace">A single space at the text's start was added, so nothing of the input is trimmed for it.</param>
    public static void Trim(TokenSequence tokens, bool addPrefixSpace)
    {
        for (var i = 0; i < tokens.Ids.Count; i++)
        {
            var token = tokens.Tokens[i];
            var (start, end) = tokens.Offsets[i];
            var leading = token.TakeWhile(IsSpace).Count();
            var trailing = token.Reverse().TakeWhile(IsSpace).Count();
            if (leading > 0)
            {
                if (leading == 1 && addPrefixSpace && (i == 0 || start == 0)) leading = 0;
                start = Math.Min(start + leading, end);
            }

            if (trailing > 0 && end >= trailing) end = Math.Max(end - trailing, start);
            tokens.Offsets[i] = (start, end);
        }
    }

    private static bool IsSpace(char character) => character == ByteAlphabet.Of((byte)' ') || char.IsWhiteSpace(character);
}
