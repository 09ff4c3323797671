using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Jinja's tests (<c>x is y</c>) by name. The tested value is the first argument.</summary>
internal static class Tests
{
    /// <exception cref="JinjaError">There is none of that name.</exception>
    public static Func<Arguments, bool> Find(string name) =>
        All.TryGetValue(name, out var test) ? test : throw new JinjaError($"No test named '{name}'.");

    private static readonly Dictionary<string, Func<Arguments, bool>> All = new()
    {
        ["boolean"] = arguments => arguments[0] is bool,
        ["callable"] = arguments => arguments[0] is Function or TemplateObject { Body: not null },
        ["defined"] = arguments => arguments[0] is not Undefined,
        ["divisibleby"] = arguments => Remainder(arguments[0], arguments.Require(1, "num"), arguments).IsZero,
        ["eq"] = arguments => Python.Equal(arguments[0], arguments[1]),
        ["equalto"] = arguments => Python.Equal(arguments[0], arguments[1]),
        ["escaped"] = _ => false,
        ["even"] = arguments => Remainder(arguments[0], new BigInteger(2), arguments).IsZero,
        ["false"] = arguments => arguments[0] is false,
        ["filter"] = arguments => arguments[0] is string name && Filters.Exists(name),
        ["float"] = arguments => arguments[0] is double,
        ["ge"] = arguments => Python.Compare(arguments[0], arguments[1], ">=") >= 0,
        ["greaterthan"] = arguments => Python.Compare(arguments[0], arguments[1], ">") > 0,
        ["gt"] = arguments => Python.Compare(arguments[0], arguments[1], ">") > 0,
        ["in"] = arguments => Python.Contains(arguments[1], arguments[0]),
        ["integer"] = arguments => arguments[0] is BigInteger,
        ["iterable"] = arguments => Python.IsIterable(arguments[0]),
        ["le"] = arguments => Python.Compare(arguments[0], arguments[1], "<=") <= 0,
        ["lessthan"] = arguments => Python.Compare(arguments[0], arguments[1]) < 0,
        ["lower"] = arguments => IsCased(arguments.Str(arguments[0]), Text.Lower),
        ["lt"] = arguments => Python.Compare(arguments[0], arguments[1]) < 0,
        ["mapping"] = arguments => arguments[0] is Dict,
        ["ne"] = arguments => !Python.Equal(arguments[0], arguments[1]),
        ["none"] = arguments => arguments[0] is null,
        ["number"] = arguments => Python.IsNumber(arguments[0]),
        ["odd"] = arguments => Remainder(arguments[0], new BigInteger(2), arguments).IsOne,
        ["sameas"] = arguments => ReferenceEquals(arguments[0], arguments[1])
            || (arguments[0] is bool or BigInteger or string && arguments[0]!.Equals(arguments[1])),
        ["sequence"] = arguments => arguments[0] is string or IReadOnlyList<object?> or Dict or Undefined,
        ["string"] = arguments => arguments[0] is string,
        ["test"] = arguments => arguments[0] is string name && All!.ContainsKey(name),
        ["true"] = arguments => arguments[0] is true,
        ["undefined"] = arguments => arguments[0] is Undefined,
        ["upper"] = arguments => IsCased(arguments.Str(arguments[0]), Text.Upper),
    };

    private static BigInteger Remainder(object? value, object? divisor, Arguments arguments) =>
        Arithmetic.ToInteger(Arithmetic.Apply("%", value, divisor, arguments.Budget));

    /// <summary>Python's islower and isupper: has letters with case, and all of them are of the one asked for.</summary>
    private static bool IsCased(string text, Func<string, string> toCase) =>
        text == toCase(text) && Text.Lower(text) != Text.Upper(text);
}
