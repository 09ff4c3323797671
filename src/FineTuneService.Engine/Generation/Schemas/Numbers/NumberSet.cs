namespace FineTuneService.Engine.Generation.Schemas.Numbers;

/// <summary>The numbers that a schema allows at a place, and how they may be written there.</summary>
internal sealed class NumberSet
{
    private const int PlainDigits = 18, PlainDecimals = 15;

    /// <param name="plain">Integers without fraction or exponent; other numbers without an exponent where they have bounds.</param>
    public NumberSet(IReadOnlyList<NumberPiece> pieces, bool plain)
    {
        Pieces = [.. pieces.Where(piece => !piece.IsEmpty())];
        Plain = plain;
        IsAll = Pieces.Any(piece => piece.IsAll);
        bool integers = Pieces.All(piece => piece.Step is { IsInteger: true });
        if (plain && Pieces.Count > 0 && Pieces.All(piece => piece.Low is not null && piece.Low == piece.High && !piece.LowOpen && !piece.HighOpen)) Written = [.. Pieces.Select(piece => piece.Low!.Value.Written()).Distinct().Order(StringComparer.Ordinal)];
        if (plain && Written is null && Pieces.Count > SchemaLimits.NumberPieces) throw new SchemaException("#", "enum", "leaves numbers in too many pieces");
        Fractions = !plain || !integers;
        Exponents = !plain || IsAll;
        HasSimpleSteps = Pieces.All(piece => piece.NotSteps.Count == 0 && (piece.Step is null || piece.Step == ExactNumber.One));
        if (!plain) return;
        ExactNumber[] named = [.. Pieces.SelectMany(piece => new[] { piece.Low, piece.High, piece.Step }).OfType<ExactNumber>()];
        MostDigits = named.Select(Magnitude).Append(PlainDigits).Max() + (named.Any(number => Magnitude(number) >= PlainDigits) ? 1 : 0);
        MostDecimals = named.Select(number => -number.Exponent + 1).Append(PlainDecimals).Max();
    }

    public IReadOnlyList<NumberPiece> Pieces { get; }
    public bool IsEmpty => Pieces.Count == 0;
    public bool IsAll { get; }
    public bool Plain { get; }
    public bool Fractions { get; }
    public bool Exponents { get; }

    /// <summary>Where the numbers are listed and plain: each as it is written, in the order of bytes.</summary>
    public string[]? Written { get; }

    /// <summary>No multiples but those of 1 are asked for: bounds alone decide.</summary>
    public bool HasSimpleSteps { get; }

    /// <summary>Digits before the point, and behind it.</summary>
    public int MostDigits { get; } = int.MaxValue;
    public int MostDecimals { get; } = int.MaxValue;

    public bool Contains(ExactNumber value) => Pieces.Any(piece => piece.Contains(value));

    /// <summary>Whether the set is known to have no more numbers than this, and so few.</summary>
    public bool HasAtLeast(int count)
    {
        int found = 0;
        foreach (NumberPiece piece in Pieces)
        {
            if (piece.Low is not { } low || piece.High is not { } high) return true;
            if (piece.Step is not { } step)
            {
                if (low != high) return true;
                found++;
                continue;
            }
            for (ExactNumber value = low.NextMultiple(step, piece.LowOpen); found < count && value.CompareTo(high) <= 0; value = value.Plus(step))
                if (piece.Contains(value)) found++;
        }
        return found >= count;
    }

    /// <summary>The power of ten above a number: 0.05 has -1, 12 has 2.</summary>
    public static int Magnitude(ExactNumber number) => number.Sign == 0 ? 0 : System.Numerics.BigInteger.Abs(number.Mantissa).ToString(System.Globalization.CultureInfo.InvariantCulture).Length + number.Exponent;
}
