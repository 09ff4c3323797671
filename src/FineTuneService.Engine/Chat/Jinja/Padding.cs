namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Makes a text wider.</summary>
internal static class Padding
{
    public static string Spaces(int count, Budget budget)
    {
        budget.Allocate(Math.Max(0, count));
        return new string(' ', Math.Max(0, count));
    }

    /// <param name="left">Share of the padding that goes to the left.</param>
    public static string Pad(string text, int width, string fill, double left, Budget budget)
    {
        if (Text.Length(fill) != 1) throw new JinjaError("The fill character must be exactly one character long");
        var missing = width - Text.Length(text);
        if (missing <= 0) return text;
        // Python centres with the odd blank on the left only where the width is odd too.
        var before = left == 0.5 ? (missing / 2) + (missing & width & 1) : (int)(missing * left);
        var padded = new TextBuilder(budget);
        budget.Allocate(missing);
        for (var i = 0; i < before; i++) padded.Append(fill);
        padded.Append(text);
        for (var i = before; i < missing; i++) padded.Append(fill);
        return padded.ToString();
    }

    public static string Pad(string text, Arguments arguments, double left) =>
        Pad(text, arguments.GetInteger(0, "width", 0), arguments.GetText(1, "fillchar", " "), left, arguments.Budget);

    public static string Zeros(string text, Arguments arguments)
    {
        var sign = text.StartsWith('-') || text.StartsWith('+') ? text[..1] : "";
        return sign + Pad(text[sign.Length..], arguments.GetInteger(0, "width", 0) - sign.Length, "0", left: 1, arguments.Budget);
    }
}
