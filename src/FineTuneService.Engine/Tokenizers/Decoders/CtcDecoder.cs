namespace FineTuneService.Engine.Tokenizers.Decoders;

/// <summary>For connectionist temporal classification: neighbours that are equal are one, padding is nothing.</summary>
internal sealed class CtcDecoder(string padToken, string wordDelimiter, bool cleanup) : Decoder
{
    public override List<string> Decode(List<string> tokens)
    {
        var output = new List<string>();
        for (var i = 0; i < tokens.Count; i++)
        {
            if (i > 0 && tokens[i] == tokens[i - 1]) continue;
            var text = tokens[i].Replace(padToken, "");
            if (cleanup) text = WordPieceDecoder.Clean(text).Replace(wordDelimiter, " ");
            if (text.Length > 0) output.Add(text);
        }

        return output;
    }
}
