using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Decoders;

/// <summary>Reads <see cref="ByteAlphabet"/>'s characters as bytes, and these as UTF-8; broken parts become U+FFFD.</summary>
internal sealed class ByteLevelDecoder : Decoder
{
    public override List<string> Decode(List<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens)
        {
            // An added token may hold characters that are none of the alphabet's: it stands for itself.
            if (token.All(character => ByteAlphabet.ByteOf(character) >= 0))
                foreach (var character in token) bytes.Add((byte)ByteAlphabet.ByteOf(character));
            else bytes.AddRange(System.Text.Encoding.UTF8.GetBytes(token));
        }

        return [System.Text.Encoding.UTF8.GetString([.. bytes])];
    }
}
