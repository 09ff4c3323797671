namespace FineTuneService.Engine.Tokenizers.Decoders;

/// <summary>Takes up to <paramref name="start"/> of a character off each text's start and up to <paramref name="stop"/> off its end.</summary>
internal sealed class StripDecoder(char character, int start, int stop) : Decoder
{
    public override List<string> Decode(List<string> tokens) => tokens.ConvertAll(Strip);

    private string Strip(string token)
    {
        var from = 0;
        while (from < start && from < token.Length && token[from] == character) from++;
        var to = token.Length;
        while (token.Length - to < stop && to > from && token[to - 1] == character) to--;
        return token[from..to];
    }
}
