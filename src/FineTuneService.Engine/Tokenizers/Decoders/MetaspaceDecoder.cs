namespace FineTuneService.Engine.Tokenizers.Decoders;

/// <summary>Turns Metaspace's character into spaces, and drops it in the first token if the pre-tokenizer puts one there.</summary>
internal sealed class MetaspaceDecoder(char replacement, bool dropFirst) : Decoder
{
    public override List<string> Decode(List<string> tokens) =>
        [.. tokens.Select((token, i) => token.Replace(replacement.ToString(), i == 0 && dropFirst ? "" : " "))];
}
