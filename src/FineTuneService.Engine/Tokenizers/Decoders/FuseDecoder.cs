namespace FineTuneService.Engine.Tokenizers.Decoders;

/// <summary>Joins all texts into one, so that what follows sees the whole.</summary>
internal sealed class FuseDecoder : Decoder
{
    public override List<string> Decode(List<string> tokens) => [string.Concat(tokens)];
}
