using System.Numerics;

namespace FineTuneService.Engine.Generation.Schemas.Numbers;

internal enum NumberPhase : byte
{
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    E,
    ESign,
    Exponent,
}

/// <summary>
/// A number's text so far, as much of it as tells what may follow. Where only bounds matter, and no bound cuts through the numbers that
/// may yet come of the text, its digits are forgotten: <see cref="Reach"/> says for each number of further digits whether they count.
/// </summary>
/// <param name="Digits">Before the point; <paramref name="Decimals"/> behind it.</param>
/// <param name="Mantissa">All digits.</param>
/// <param name="Power">Digits of the exponent.</param>
internal sealed record NumberText(
    NumberPhase Phase, bool Negative, int Digits, int Decimals, BigInteger Mantissa, bool PowerNegative = false, int Power = 0, int PowerDigits = 0, string? Reach = null)
{
    private const int LargestPower = 5_000;

    /// <returns>Null where no number of the set begins so.</returns>
    public static NumberText? Begin(NumberSet set, byte next)
    {
        if (set.Written is not null) return Listed(set, "" + (char)next);
        if (next == '-') return Live(set, new NumberText(NumberPhase.Minus, true, 0, 0, 0));
        return next is >= (byte)'0' and <= (byte)'9' ? FirstDigit(set, next, negative: false) : null;
    }

    /// <returns>Null where no number of the set goes on so.</returns>
    public NumberText? Next(NumberSet set, byte next)
    {
        if (set.Written is not null) return Listed(set, Reach + (char)next);
        if (Digits + Decimals + PowerDigits > SchemaLimits.NumberBytes) return null;
        bool digit = next is >= (byte)'0' and <= (byte)'9';
        int value = next - '0';
        return Phase switch
        {
            NumberPhase.Minus => digit ? FirstDigit(set, next, negative: true) : null,
            NumberPhase.Integer when digit => Digits >= set.MostDigits ? null : Live(set, Longer(set, value) with { Digits = Digits + 1 }),
            NumberPhase.Zero or NumberPhase.Integer when next == '.' => set.Fractions ? Live(set, this with { Phase = NumberPhase.Point }) : null,
            NumberPhase.Point or NumberPhase.Fraction when digit =>
                Decimals >= set.MostDecimals ? null : Live(set, LongerFraction(set, value) with { Phase = NumberPhase.Fraction, Decimals = Decimals + 1 }),
            NumberPhase.Zero or NumberPhase.Integer or NumberPhase.Fraction when next is (byte)'e' or (byte)'E' =>
                set.Exponents ? Live(set, this with { Phase = NumberPhase.E }) : null,
            NumberPhase.E when next is (byte)'+' or (byte)'-' => Live(set, this with { Phase = NumberPhase.ESign, PowerNegative = next == '-' }),
            NumberPhase.E or NumberPhase.ESign or NumberPhase.Exponent when digit =>
                PowerDigits >= (set.Plain ? 2 : 4) ? null : Live(set, this with { Phase = NumberPhase.Exponent, Power = Power * 10 + value, PowerDigits = PowerDigits + 1 }),
            _ => null,
        };
    }

    /// <summary>Whether the number may end here.</summary>
    public bool Accepts(NumberSet set)
    {
        if (set.Written is not null) return Array.BinarySearch(set.Written, Reach, StringComparer.Ordinal) >= 0;
        if (Phase is not (NumberPhase.Zero or NumberPhase.Integer or NumberPhase.Fraction or NumberPhase.Exponent)) return false;
        if (set.IsAll) return true;
        if (set.Plain && Negative && Reach is null && Mantissa.IsZero) return false;
        if (Reach is not null) return Reach[0] == 'i';
        return set.Contains(Value(PowerNegative ? -Power : Power));
    }

    /// <summary>A listed number's text so far, kept in <see cref="Reach"/>.</summary>
    private static NumberText? Listed(NumberSet set, string text)
    {
        int at = Array.BinarySearch(set.Written!, text, StringComparer.Ordinal);
        bool begins = at >= 0 || (~at < set.Written!.Length && set.Written[~at].StartsWith(text, StringComparison.Ordinal));
        return begins ? new NumberText(NumberPhase.Integer, false, 0, 0, 0, Reach: text) : null;
    }

    private static NumberText? FirstDigit(NumberSet set, byte next, bool negative) => Live(
        set, Coarse(set, new NumberText(next == '0' ? NumberPhase.Zero : NumberPhase.Integer, negative, 1, 0, set.IsAll && next != '0' ? 1 : next - '0')));

    private NumberText Longer(NumberSet set, int digit)
    {
        if (Reach is not null) return this with { Reach = Reach.Length > 1 ? Reach[1..] : Reach };
        return set.IsAll ? this : Coarse(set, this with { Mantissa = Mantissa * 10 + digit, Digits = Digits + 1 });
    }

    private NumberText LongerFraction(NumberSet set, int digit)
    {
        if (Reach is not null) return this;
        if (set.IsAll) return digit == 0 ? this : this with { Mantissa = 1 };
        return this with { Mantissa = Mantissa * 10 + digit };
    }

    private ExactNumber Value(int power) => new(Negative ? -Mantissa : Mantissa, power - Decimals);

    private static NumberText? Live(NumberSet set, NumberText text)
    {
        if (set.IsAll) return text;
        bool live = text.Reach?.Contains('i') ?? set.Pieces.Any(text.MayReach(set));
        return live ? text : null;
    }

    private Func<NumberPiece, bool> MayReach(NumberSet set) => Phase switch
    {
        NumberPhase.Minus => piece => piece.Any(null, false, default(ExactNumber), set.Plain),
        NumberPhase.E or NumberPhase.ESign or NumberPhase.Exponent => PowerReaches,
        _ => piece => DigitsReach(set, Negative ? Mirrored(piece) : piece),
    };

    /// <summary>Whether more digits, and an exponent where there may be one, give a number of the piece. Signs are off.</summary>
    private bool DigitsReach(NumberSet set, NumberPiece piece)
    {
        if (set.Exponents && Mantissa.IsZero) return piece.Any(default(ExactNumber), false, null, false);
        (int first, int last) = (-Decimals, -Decimals);
        if (set.Exponents) (first, last) = Powers(piece);
        else if (Phase == NumberPhase.Integer) (first, last) = (0, Math.Min(set.MostDigits - Digits, Math.Max(0, piece.High is { } high ? NumberSet.Magnitude(high) - Digits : set.MostDigits)));
        bool exact = !set.Exponents && (Decimals >= set.MostDecimals || (!set.Fractions && Phase == NumberPhase.Zero));
        if (exact) return piece.Contains(new ExactNumber(Mantissa, -Decimals)) && !(Negative && Mantissa.IsZero);
        for (int power = first; power <= last; power++)
        {
            // A plain number is not -0.
            bool open = Mantissa.IsZero && Negative && set.Plain;
            if (piece.Any(new ExactNumber(Mantissa, power), open, new ExactNumber(Mantissa + 1, power), true)) return true;
        }
        return false;
    }

    /// <summary>The powers of ten that bring the digits near the piece.</summary>
    private (int First, int Last) Powers(NumberPiece piece)
    {
        int own = NumberSet.Magnitude(new ExactNumber(Mantissa, 0));
        int low = piece.Low is { Sign: > 0 } bound ? NumberSet.Magnitude(bound) : piece.Step is { } step ? NumberSet.Magnitude(step) : (piece.High is { } top ? NumberSet.Magnitude(top) : 0) - 2;
        // Without an upper bound: as far as digits of any number become multiples of the step.
        int steps = 4 * Math.Max(1, piece.Step is { } size ? NumberSet.Magnitude(size) : 1) + 3;
        int high = piece.High is { } end ? NumberSet.Magnitude(end) - own + 1 : Math.Max(Math.Max(low, 0) - own, 0) + steps;
        return (low - own - 2, Math.Min(high, low - own + LargestPower));
    }

    private bool PowerReaches(NumberPiece piece)
    {
        if (Mantissa.IsZero) return piece.Contains(default);
        NumberPiece positive = Negative ? Mirrored(piece) : piece;
        (int first, int last) = Powers(positive);
        for (int power = first + Decimals; power <= last + Decimals; power++)
        {
            if (Writes(power) && piece.Contains(Value(power))) return true;
        }
        // Beyond them, what holds for one power holds for all that are larger.
        return positive.High is null && !PowerNegative && PowerDigits > 0 && piece.Contains(Value(Power));
    }

    /// <summary>Whether the exponent so far can become this one.</summary>
    private bool Writes(int power)
    {
        if (Phase == NumberPhase.E) return true;
        if (power != 0 && power < 0 != PowerNegative) return false;
        if (Phase == NumberPhase.ESign) return true;
        power = Math.Abs(power);
        for (int digits = PowerDigits; power > Power && digits < 4; digits++) power /= 10;
        return power == Power;
    }

    private static NumberPiece Mirrored(NumberPiece piece) => piece with { Low = piece.High?.Negated(), LowOpen = piece.HighOpen, High = piece.Low?.Negated(), HighOpen = piece.LowOpen };

    /// <summary>Forgets digits that decide nothing any more.</summary>
    private static NumberText Coarse(NumberSet set, NumberText text)
    {
        if (!set.Plain || set.IsAll || !set.HasSimpleSteps || text.Phase != NumberPhase.Integer) return text;
        int more = set.MostDigits - text.Digits;
        var reach = new char[Math.Max(1, more + 1)];
        for (int power = 0; power < reach.Length; power++)
        {
            ExactNumber low = new(text.Mantissa, power), high = new(text.Mantissa + 1, power);
            bool inside = false;
            foreach (NumberPiece one in set.Pieces)
            {
                NumberPiece piece = text.Negative ? Mirrored(one) : one;
                bool above = piece.Low is not { } l || low.CompareTo(l) is var a && (a > 0 || (a == 0 && !piece.LowOpen));
                // A bound that is the interval's open end cuts nothing, and one inside it does.
                bool below = piece.High is not { } h || high.CompareTo(h) <= 0;
                if (above && below) inside = true;
                else if (!(piece.Low is { } lower && high.CompareTo(lower) <= 0) && !(piece.High is { } upper && low.CompareTo(upper) > 0)) return text;
            }
            reach[power] = inside ? 'i' : 'o';
        }
        string shortest = new string(reach).TrimEnd(reach[^1]) + reach[^1];
        return text with { Mantissa = 1, Reach = shortest };
    }
}
