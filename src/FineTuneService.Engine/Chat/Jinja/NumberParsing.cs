using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Python's <c>int(text, base)</c> and <c>float(text)</c>: blanks around, digits of every script, single underscores.</summary>
internal static partial class NumberParsing
{
    /// <returns>Null where Python raises a ValueError.</returns>
    /// <exception cref="JinjaError">The integer is larger than a template may make.</exception>
    public static BigInteger? Integer(string text, int numberBase, Budget budget)
    {
        if (numberBase is < 0 or 1 or > 36) return null;
        var digits = Ascii(text, budget).Trim(' ');
        var negative = digits.StartsWith('-');
        if (negative || digits.StartsWith('+')) digits = digits[1..];
        var prefixBase = digits.Length > 1 && digits[0] == '0'
            ? char.ToLowerInvariant(digits[1]) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 } : 0;
        // Without a base, a decimal literal has no zeros in front, unless it is zero.
        var onlyZero = numberBase == 0 && prefixBase == 0 && digits.StartsWith('0');
        if (numberBase == 0) numberBase = prefixBase == 0 ? 10 : prefixBase;
        if (prefixBase == numberBase) digits = digits.Length > 2 && digits[2] == '_' ? digits[3..] : digits[2..];
        if (!Underscored().IsMatch(digits)) return null;
        digits = digits.Replace("_", "");
        foreach (var digit in digits)
            if (Value(digit) >= numberBase) return null;
        if (onlyZero && digits.AsSpan().ContainsAnyExcept('0')) return null;
        return Sum(digits, numberBase, budget) is { } size ? negative ? -size : size : null;
    }

    /// <returns>Null where Python raises a ValueError.</returns>
    public static double? Float(string text, Budget budget)
    {
        var digits = Ascii(text, budget).Trim(' ');
        if (Special().Match(digits) is { Success: true } special)
        {
            var value = char.ToLowerInvariant(special.Groups["name"].Value[0]) == 'n' ? double.NaN : double.PositiveInfinity;
            return digits[0] == '-' ? -value : value;
        }
        return FloatPattern().IsMatch(digits) ? double.Parse(digits.Replace("_", ""), NumberStyles.Float, CultureInfo.InvariantCulture) : null;
    }

    private static BigInteger? Sum(string digits, int numberBase, Budget budget)
    {
        var isPowerOfTwo = BitOperations.IsPow2(numberBase);
        if (!isPowerOfTwo && digits.Length > IntegerText.MaxDigits) return null;
        if (digits.Length * Math.Log2(numberBase) > Arithmetic.MaxBits) throw Arithmetic.TooLarge();
        budget.Step(1 + (digits.Length * (double)digits.Length / (1 << 14)));
        if (numberBase == 10) return BigInteger.Parse(digits, CultureInfo.InvariantCulture);
        var sum = BigInteger.Zero;
        foreach (var digit in digits) sum = (sum * numberBase) + Value(digit);
        return sum;
    }

    private static int Value(char digit) => digit switch
    {
        >= '0' and <= '9' => digit - '0',
        >= 'a' and <= 'z' => digit - 'a' + 10,
        >= 'A' and <= 'Z' => digit - 'A' + 10,
        _ => int.MaxValue,
    };

    /// <summary>Digits of other scripts as ASCII's, every blank as a space.</summary>
    private static string Ascii(string text, Budget budget)
    {
        budget.Scan(text.Length * 4.0);
        var ascii = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            // Of ASCII's controls, only these are blanks here.
            if (rune.IsAscii) ascii.Append(rune.Value is >= '\t' and <= '\r' ? ' ' : (char)rune.Value);
            else if (rune.IsBmp && Text.IsSpace((char)rune.Value)) ascii.Append(' ');
            else if (Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber) ascii.Append((int)Rune.GetNumericValue(rune));
            else ascii.Append('?');
        }
        return ascii.ToString();
    }

    [GeneratedRegex("^[0-9A-Za-z]+(?:_[0-9A-Za-z]+)*\\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Underscored();

    [GeneratedRegex("^[+-]?(?<name>inf(?:inity)?|nan)\\z", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Special();

    [GeneratedRegex(@"^[+-]?(?:[0-9]+(?:_[0-9]+)*(?:\.(?:[0-9]+(?:_[0-9]+)*)?)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]+(?:_[0-9]+)*)?\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex FloatPattern();
}
