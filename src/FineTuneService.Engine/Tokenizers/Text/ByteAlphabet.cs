namespace FineTuneService.Engine.Tokenizers.Text;

/// <summary>GPT-2's spelling of bytes as visible characters: printable ones stand for themselves, the others are moved up from U+0100.</summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = Build();
    private static readonly int[] Bytes = Invert(Characters);

    public static char Of(byte value) => Characters[value];

    /// <summary>The byte that a character stands for, or -1.</summary>
    public static int ByteOf(char character) => character < Bytes.Length ? Bytes[character] : -1;

    public static ReadOnlySpan<char> All => Characters;

    private static char[] Build()
    {
        var characters = new char[256];
        var moved = 0;
        for (var value = 0; value < 256; value++)
        {
            var printable = value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE;
            characters[value] = (char)(printable ? value : 0x100 + moved++);
        }

        return characters;
    }

    private static int[] Invert(char[] characters)
    {
        var bytes = new int[characters.Max() + 1];
        Array.Fill(bytes, -1);
        for (var value = 0; value < 256; value++) bytes[characters[value]] = value;
        return bytes;
    }
}
