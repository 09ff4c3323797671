using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Decoders;

/// <summary>Reads <see cref="ByteAlphabet"/>'s characters as bytes, and these as UTF-8; broken parts become U+FFFD.</summary>
internal sealed class ByteLevelDecoder : Decoder
{
    public override List<string> Decode(List<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens) bytes.AddRange(BytesOf(token));
        return [System.Text.Encoding.UTF8.GetString([.. bytes])];
    }

    /// <summary>An added token may hold characters that are none of the alphabet's: it stands for itself.</summary>
    public static byte[] BytesOf(string token) => token.All(character => ByteAlphabet.ByteOf(character) >= 0)
        ? [.. token.Select(character => (byte)ByteAlphabet.ByteOf(character))]
        : System.Text.Encoding.UTF8.GetBytes(token);
}
