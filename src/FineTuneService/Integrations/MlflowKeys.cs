using System.Text.RegularExpressions;

namespace FineTuneService.Integrations;

/// <summary>Keys and texts as MLflow takes them: what is longer it cuts without a word, other keys it refuses.</summary>
internal static partial class MlflowKeys
{
    public const int LongestKey = 250, LongestParameter = 6000, LongestTag = 8000;

    /// <summary>Whether it is a key as it stands.</summary>
    public static bool IsKey(string key) => key.Length is > 0 and <= LongestKey && Letters().IsMatch(key) && !key.Split('/').Any(part => part is "" or "." or "..");

    /// <summary>A name of somebody else's, as a key.</summary>
    public static string Key(string name)
    {
        string key = Cut(Others().Replace(name, "_"), LongestKey);
        return IsKey(key) ? key : Cut("_" + key, LongestKey);
    }

    /// <summary>The beginning of a text, by whole characters.</summary>
    public static string Cut(string text, int longest) => text.Length <= longest ? text : text[..(char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest)];

    [GeneratedRegex(@"\A[\p{L}\p{Nd}_\-. :/]+\z")]
    private static partial Regex Letters();

    [GeneratedRegex(@"[^\p{L}\p{Nd}_\-. :]")]
    private static partial Regex Others();
}
