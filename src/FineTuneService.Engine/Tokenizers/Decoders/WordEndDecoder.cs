namespace FineTuneService.Engine.Tokenizers.Decoders;

/// <summary>tokenizer.json's "BPEDecoder": a suffix ends each word and becomes a space, but not at the text's end.</summary>
internal sealed class WordEndDecoder(string suffix) : Decoder
{
    public override List<string> Decode(List<string> tokens) =>
        [.. tokens.Select((token, i) => token.Replace(suffix, i == tokens.Count - 1 ? "" : " "))];
}
