using FineTuneService.Engine.Tokenizers.Decoders;

namespace FineTuneService.Engine.Tokenizers;

/// <summary>What a token alone adds to a text, as bytes: tokens may hold parts of characters, which only bytes can say.</summary>
internal static class TokenBytes
{
    /// <returns>Null where the decoder looks at more than one token at a time.</returns>
    public static byte[]? Of(Decoder decoder, string token)
    {
        string text = token;
        foreach (Decoder step in decoder is DecoderSequence sequence ? sequence.Decoders : [decoder])
        {
            switch (step)
            {
                case ByteLevelDecoder:
                    return ByteLevelDecoder.BytesOf(text);
                case ByteFallbackDecoder:
                    if (ByteFallbackDecoder.TryByte(text, out byte value)) return [value];
                    break;
                case ReplaceDecoder:
                    text = step.Decode([text])[0];
                    break;
                case MetaspaceDecoder:
                    text = step.Decode(["", text])[1];
                    break;
                case FuseDecoder or StripDecoder:
                    break; // They change the whole text's ends.
                default:
                    return null;
            }
        }
        return System.Text.Encoding.UTF8.GetBytes(text);
    }
}
