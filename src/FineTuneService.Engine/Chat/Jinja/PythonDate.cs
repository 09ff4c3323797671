using System.Globalization;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Python's strftime, in the C locale.</summary>
internal static class PythonDate
{
    public static string Format(string format, DateTimeOffset now, Budget budget)
    {
        var text = new TextBuilder(budget);
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            // %-d is glibc's "without padding".
            var unpadded = format[i + 1] == '-' && i + 2 < format.Length;
            i += unpadded ? 2 : 1;
            var field = Field(format[i], now);
            if (unpadded) field = field.TrimStart('0', ' ') is { Length: > 0 } trimmed ? trimmed : "0";
            text.Append(field);
        }
        return text.ToString();
    }

    private static string Field(char directive, DateTimeOffset now) => directive switch
    {
        'Y' => Say("yyyy", now),
        'y' => Say("yy", now),
        'm' => Say("MM", now),
        'd' => Say("dd", now),
        'e' => now.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        'b' or 'h' => Say("MMM", now),
        'B' => Say("MMMM", now),
        'a' => Say("ddd", now),
        'A' => Say("dddd", now),
        'H' => Say("HH", now),
        'I' => Say("hh", now),
        'M' => Say("mm", now),
        'S' => Say("ss", now),
        'f' => Say("ffffff", now),
        'p' => now.Hour < 12 ? "AM" : "PM",
        'w' => ((int)now.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'u' => (now.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)now.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'F' => Say("yyyy-MM-dd", now),
        'T' => Say("HH:mm:ss", now),
        'D' or 'x' => Say("MM/dd/yy", now),
        'R' => Say("HH:mm", now),
        'X' => Say("HH:mm:ss", now),
        'c' => $"{Say("ddd MMM", now)} {now.Day,2} {Say("HH:mm:ss yyyy", now)}",
        's' => now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
        'n' => "\n",
        't' => "\t",
        '%' => "%",
        // datetime.now() carries no time zone, and Python prints nothing for it.
        'z' or 'Z' => "",
        _ => throw JinjaError.Unsupported($"strftime's %{directive}"),
    };

    private static string Say(string format, DateTimeOffset now) =>
        now.ToString(format.Replace("/", "'/'").Replace(":", "':'"), CultureInfo.InvariantCulture);
}
