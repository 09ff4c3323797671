using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Jinja's tests (<c>x is y</c>) by name. The tested value is the first argument.</summary>
internal static class Tests
{
    /// <exception cref="JinjaError">There is none of that name.</exception>
    public static Func<Arguments, bool> Find(string name) =>
        All.TryGetValue(name, out var test) ? test : throw new JinjaError($"No test named '{name}'.");

    /// <summary>Calls the test, and lets the length of what is tested count.</summary>
    /// <exception cref="JinjaError">There is none of that name, or it fails.</exception>
    public static bool Apply(string name, Arguments arguments)
    {
        var test = Find(name);
        arguments.Budget.Step();
        if (arguments[0] is string text) arguments.Budget.Scan(text.Length);
        return test(arguments);
    }

    private static readonly Dictionary<string, Func<Arguments, bool>> All = new()
    {
        ["=="] = AreEqual,
        ["!="] = arguments => !AreEqual(arguments),
        [">"] = arguments => Compare(arguments, ">"),
        [">="] = arguments => Compare(arguments, ">="),
        ["<"] = arguments => Compare(arguments, "<"),
        ["<="] = arguments => Compare(arguments, "<="),
        ["boolean"] = arguments => arguments[0] is bool,
        ["callable"] = arguments => arguments[0] is Function or TemplateObject { Body: not null },
        ["defined"] = arguments => arguments[0] is not Undefined,
        ["divisibleby"] = arguments => HasRemainder(arguments[0], arguments.Require(1, "num"), 0, arguments),
        ["eq"] = AreEqual,
        ["equalto"] = AreEqual,
        ["escaped"] = arguments => arguments[0] is Markup,
        ["even"] = arguments => HasRemainder(arguments[0], new BigInteger(2), 0, arguments),
        ["false"] = arguments => arguments[0] is false,
        ["filter"] = arguments => arguments[0] is string name && Filters.Exists(name),
        ["float"] = arguments => arguments[0] is double,
        ["ge"] = arguments => Compare(arguments, ">="),
        ["greaterthan"] = arguments => Compare(arguments, ">"),
        ["gt"] = arguments => Compare(arguments, ">"),
        ["in"] = arguments => Python.Contains(arguments[1], arguments[0], arguments.Budget),
        ["integer"] = arguments => arguments[0] is BigInteger,
        ["iterable"] = arguments => Python.IsIterable(arguments[0]),
        ["le"] = arguments => Compare(arguments, "<="),
        ["lessthan"] = arguments => Compare(arguments, "<"),
        ["lower"] = arguments => CharacterKinds.IsLower(arguments.Str(arguments[0])),
        ["lt"] = arguments => Compare(arguments, "<"),
        ["mapping"] = arguments => arguments[0] is Dict,
        ["ne"] = arguments => !AreEqual(arguments),
        ["none"] = arguments => arguments[0] is null,
        ["number"] = arguments => Python.IsNumber(arguments[0]),
        ["odd"] = arguments => HasRemainder(arguments[0], new BigInteger(2), 1, arguments),
        ["sameas"] = arguments => ReferenceEquals(arguments[0], arguments[1])
            || (arguments[0] is bool or BigInteger or string && arguments[0]!.Equals(arguments[1])),
        ["sequence"] = arguments => arguments[0] is string or IReadOnlyList<object?> or Dict or Undefined,
        ["string"] = arguments => arguments[0] is string,
        ["test"] = arguments => arguments[0] is string name && All!.ContainsKey(name),
        ["true"] = arguments => arguments[0] is true,
        ["undefined"] = arguments => arguments[0] is Undefined,
        ["upper"] = arguments => CharacterKinds.IsUpper(arguments.Str(arguments[0])),
    };

    private static bool AreEqual(Arguments arguments) => Python.Equal(arguments[0], arguments[1], arguments.Budget);

    private static bool Compare(Arguments arguments, string sign) => Ordering.Holds(sign, arguments[0], arguments[1], arguments.Budget);

    private static bool HasRemainder(object? value, object? divisor, int remainder, Arguments arguments) =>
        Python.Equal(Arithmetic.Apply("%", value, divisor, arguments.Budget), new BigInteger(remainder), arguments.Budget);
}
