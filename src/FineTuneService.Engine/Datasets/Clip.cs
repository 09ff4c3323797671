namespace FineTuneService.Engine.Datasets;

/// <summary>A file's own words in a message about it may be as long as the file.</summary>
internal static class Clip
{
    public static string To(string text, int length)
    {
        if (text.Length <= length) return text;
        // Half of a surrogate pair would be no text.
        return text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)] + "…";
    }
}
