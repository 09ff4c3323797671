using System.Text.Json;

namespace FineTuneService.Engine.Tokenizers.Added;

/// <summary>A token that is looked for in the text before anything else is done with it.</summary>
/// <param name="SingleWord">It counts only where no word character touches it.</param>
/// <param name="StripLeft">It takes the white space before it along (lstrip).</param>
/// <param name="StripRight">It takes the white space behind it along (rstrip).</param>
/// <param name="Normalized">It is normalized itself and looked for in the normalized text.</param>
/// <param name="Special">Decoding may skip it.</param>
internal sealed record AddedToken(
    int Id, string Content, bool SingleWord, bool StripLeft, bool StripRight, bool Normalized, bool Special)
{
    /// <summary>Reads an entry of "added_tokens".</summary>
    public static AddedToken Read(JsonElement json)
    {
        var special = json.Flag("special");
        return new AddedToken(
            json.GetProperty("id").GetInt32(), json.RequiredText("content"), json.Flag("single_word"),
            json.Flag("lstrip"), json.Flag("rstrip"), json.Flag("normalized", absent: !special), special);
    }
}
