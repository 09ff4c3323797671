using System.Globalization;
using System.Text;

namespace FineTuneService.Engine.Chat;

/// <summary>What is done with the blanks at an end of a content before it is marked; a template may trim them.</summary>
internal enum Blanks
{
    /// <summary>They are part of the marked content.</summary>
    Inside,

    /// <summary>They are taken away: a template that trims writes the same without them.</summary>
    Removed,

    /// <summary>They stand outside the marks, where a template may trim them or not.</summary>
    Outside,
}

/// <summary>A message's content in a rendered conversation: its place among the messages, and where it stands.</summary>
internal readonly record struct ContentPlace(int Message, int Start, int End);

/// <summary>Marks around the contents of messages, with each one's number: rendered, they show which content stands where.</summary>
internal static class ContentMarks
{
    // Private-use characters, which no template knows: what opens, what closes, and digits.
    private const char Open = '\uE0F0', Close = '\uE0F1', Zero = '\uE100';

    public static ChatMessage Mark(ChatMessage message, int number, Blanks leading, Blanks trailing)
    {
        var (before, content, behind) = Parts(message.Content);
        string If(Blanks wanted, Blanks given, string blanks) => wanted == given ? blanks : "";
        return message with
        {
            Content = If(Blanks.Outside, leading, before) + Open + Number(number) + If(Blanks.Inside, leading, before) + content
                + If(Blanks.Inside, trailing, behind) + Close + If(Blanks.Outside, trailing, behind),
        };
    }

    /// <summary>The text without its marks, and what they enclosed, in the order of the text.</summary>
    public static (string Text, List<ContentPlace> Contents) Read(string marked)
    {
        var text = new StringBuilder(marked.Length);
        var contents = new List<ContentPlace>();
        (int Message, int Start)? open = null;
        for (var i = 0; i < marked.Length; i++)
        {
            if (marked[i] == Open)
            {
                var number = 0;
                for (; i + 1 < marked.Length && marked[i + 1] is >= Zero and <= (char)(Zero + 9); i++) number = 10 * number + (marked[i + 1] - Zero);
                open = (number, text.Length);
            }
            else if (marked[i] == Close && open is { } content)
            {
                contents.Add(new ContentPlace(content.Message, content.Start, text.Length));
                open = null;
            }
            else text.Append(marked[i]);
        }
        return (text.ToString(), contents);
    }

    /// <summary>A content without the blanks at its ends, and those.</summary>
    public static (string Before, string Content, string Behind) Parts(string content)
    {
        var start = content.Length - content.TrimStart().Length;
        var trimmed = content.Trim();
        return (content[..start], trimmed, content[(start + trimmed.Length)..]);
    }

    private static string Number(int number) =>
        string.Concat(number.ToString(CultureInfo.InvariantCulture).Select(digit => (char)(Zero + (digit - '0'))));
}
