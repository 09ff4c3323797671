using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The functions that every template finds: Jinja's, and transformers' raise_exception and strftime_now.</summary>
internal static class Globals
{
    public static Scope Make(TimeProvider clock)
    {
        var scope = new Scope(null);
        void Add(string name, Func<Arguments, object?> body) => scope[name] = new Function(name, body);
        Add("raise_exception", arguments => throw new JinjaError(arguments.Str(arguments.Require(0, "message"))));
        Add("strftime_now", arguments => PythonDate.Format(arguments.RequireText(0, "format"), clock.GetLocalNow(), arguments.Budget));
        Add("range", Range);
        Add("dict", MakeDict);
        Add("namespace", MakeNamespace);
        Add("cycler", arguments => arguments.Positional.Count > 0
            ? new Cycler(arguments.Positional) : throw new JinjaError("no items for cycling given"));
        Add("joiner", Joiner);
        Add("lipsum", LoremIpsum.Generate);
        return scope;
    }

    private static PythonRange Range(Arguments arguments)
    {
        var bounds = arguments.Positional.Select(Numbers.ToInteger).ToArray();
        var (start, stop, step) = bounds.Length switch
        {
            1 => (BigInteger.Zero, bounds[0], BigInteger.One),
            2 => (bounds[0], bounds[1], BigInteger.One),
            3 => (bounds[0], bounds[1], bounds[2]),
            _ => throw new JinjaError($"range expected 1 to 3 arguments, got {bounds.Length}"),
        };
        if (step.IsZero) throw new JinjaError("range() arg 3 must not be zero");
        if ((stop - start) / step >= Budget.MaxRange + (((stop - start) % step).IsZero ? 1 : 0)
            || bounds.Any(bound => BigInteger.Abs(bound) > int.MaxValue))
            throw new JinjaError($"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({Budget.MaxRange}).");
        return new PythonRange((int)start, (int)stop, (int)step);
    }

    private static Dict MakeDict(Arguments arguments)
    {
        var dict = new Dict(arguments.Budget);
        if (arguments.Has(0, "") && arguments[0] is Dict other) dict.Update(other);
        else if (arguments.Has(0, ""))
            foreach (var pair in arguments.Iterate(0))
            {
                if (Python.Iterate(pair, arguments.Budget) is not { Count: 2 } item)
                    throw new JinjaError("dictionary update sequence element has to have length 2");
                dict[item[0]] = item[1];
            }
        foreach (var (name, value) in arguments.Named) dict[name] = value;
        return dict;
    }

    private static TemplateNamespace MakeNamespace(Arguments arguments)
    {
        var fields = new TemplateNamespace(arguments.Budget);
        foreach (var (key, value) in MakeDict(arguments)) fields.Set(arguments.Str(key), value);
        return fields;
    }

    /// <summary>Nothing at its first call, the separator at every other.</summary>
    private static Function Joiner(Arguments arguments)
    {
        var separator = arguments.GetText(0, "sep", ", ");
        var used = false;
        return new Function("separator", _ =>
        {
            var text = used ? separator : "";
            used = true;
            return text;
        });
    }
}
