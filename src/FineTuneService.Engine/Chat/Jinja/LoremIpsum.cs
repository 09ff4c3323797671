namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The function <c>lipsum()</c>: paragraphs of random words, for whoever lays out a page.</summary>
internal static class LoremIpsum
{
    private static readonly string[] Words =
    [
        "a", "ac", "accumsan", "ad", "adipiscing", "aenean", "aliquam", "amet", "ante", "aptent", "arcu", "at", "auctor", "augue", "bibendum",
        "blandit", "class", "commodo", "condimentum", "congue", "consectetuer", "consequat", "conubia", "convallis", "cras", "cubilia", "curae",
        "cursus", "dapibus", "diam", "dictum", "dignissim", "dis", "dolor", "donec", "dui", "duis", "egestas", "eget", "eleifend", "elit", "enim",
        "erat", "eros", "est", "et", "etiam", "eu", "euismod", "facilisi", "fames", "faucibus", "felis", "fermentum", "feugiat", "fringilla",
    ];

    public static object? Generate(Arguments arguments)
    {
        var (count, isHtml) = (arguments.GetInteger(0, "n", 5), arguments.IsTrue(1, "html", standard: true));
        var (least, most) = (arguments.GetInteger(2, "min", 20), arguments.GetInteger(3, "max", 100));
        if (least >= most) throw new JinjaError($"empty range for randrange() ({least}, {most})");
        var text = new TextBuilder(arguments.Budget);
        for (var i = 0; i < count; i++)
        {
            if (i > 0) text.Append(isHtml ? "\n" : "\n\n");
            if (isHtml) text.Append("<p>");
            WriteParagraph(Random.Shared.Next(least, most), text);
            if (isHtml) text.Append("</p>");
        }
        return text.ToString();
    }

    private static void WriteParagraph(int length, TextBuilder text)
    {
        for (var i = 0; i < length; i++)
        {
            var word = Words[Random.Shared.Next(Words.Length)];
            text.Append(i == 0 ? Text.Capitalize(word) : " " + word);
        }
        text.Append('.');
    }
}
