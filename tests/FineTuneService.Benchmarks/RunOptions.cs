using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace FineTuneService.Benchmarks;

/// <summary>Options of the runs that have some.</summary>
/// <param name="Kills">Ends the torture, if its minutes do not before; null: they do.</param>
/// <param name="Count">Inputs of each kind.</param>
/// <param name="Only">KIND or KIND:NUMBER.</param>
internal sealed record RunOptions(double? Minutes = null, int? Kills = null, int Seed = 1, int Count = 1000, string? Only = null, int Tenants = 100)
{
    /// <summary>Pairs of a name and a value.</summary>
    public static bool TryRead(string[] arguments, [NotNullWhen(true)] out RunOptions? options)
    {
        options = new RunOptions();
        for (int i = 0; i < arguments.Length; i += 2)
        {
            string value = i + 1 < arguments.Length ? arguments[i + 1] : "";
            bool isWhole = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int whole);
            options = (arguments[i], isWhole) switch
            {
                ("--minutes", _) when double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double minutes) => options with { Minutes = minutes },
                ("--kills", true) => options with { Kills = whole },
                ("--seed", true) => options with { Seed = whole },
                ("--tenants", true) when whole > 0 => options with { Tenants = whole },
                ("--count", true) => options with { Count = whole },
                ("--only", _) when value.Length > 0 => options with { Only = value },
                _ => null,
            };
            if (options is null) return false;
        }
        return true;
    }
}
