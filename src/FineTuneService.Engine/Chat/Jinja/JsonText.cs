using System.Globalization;
using System.Numerics;
using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The filter tojson: Python's json.dumps with ensure_ascii off, as transformers has it.</summary>
internal sealed class JsonText
{
    private readonly StringBuilder text = new();
    private readonly Budget budget;
    private readonly bool ensureAscii, sortKeys;
    private readonly string? indent;
    private readonly string itemSeparator, keySeparator;

    private JsonText(Arguments arguments)
    {
        budget = arguments.Budget;
        ensureAscii = arguments.IsTrue(1, "ensure_ascii");
        sortKeys = arguments.IsTrue(4, "sort_keys");
        indent = arguments.Get(2, "indent") is string literal ? literal : arguments.Get(2, "indent") is null ? null : Spaces(arguments);
        var separators = arguments.Get(3, "separators") is IReadOnlyList<object?> { Count: 2 } given ? given : [indent is null ? ", " : ",", ": "];
        (itemSeparator, keySeparator) = (arguments.Str(separators[0]), arguments.Str(separators[1]));
    }

    public static object? Filter(Arguments arguments)
    {
        var json = new JsonText(arguments);
        json.Write(arguments[0], 0);
        return json.text.ToString();
    }

    private static string Spaces(Arguments arguments)
    {
        var width = arguments.GetInteger(2, "indent", 0);
        arguments.Budget.Allocate(width);
        return new string(' ', Math.Max(0, width));
    }

    private void Write(object? value, int depth)
    {
        budget.Step();
        var start = text.Length;
        switch (value)
        {
            case null: text.Append("null"); break;
            case bool flag: text.Append(flag ? "true" : "false"); break;
            case BigInteger integer: text.Append(integer.ToString(CultureInfo.InvariantCulture)); break;
            case double number: text.Append(Float(number)); break;
            case string literal: Quote(literal); break;
            case List<object?> or PythonTuple: WriteBlock('[', ']', ((IReadOnlyList<object?>)value), item => Write(item, depth + 1), depth); break;
            case Dict dict: WriteBlock('{', '}', Entries(dict), entry => WriteEntry(entry, depth + 1), depth); break;
            default: throw new JinjaError($"Object of type {Python.TypeName(value)} is not JSON serializable");
        }
        budget.Allocate(text.Length - start);
    }

    private IReadOnlyList<KeyValuePair<object?, object?>> Entries(Dict dict) =>
        sortKeys ? OrderFilters.Ordered(dict, entry => entry.Key, reverse: false) : [.. dict];

    private void WriteEntry(KeyValuePair<object?, object?> entry, int depth)
    {
        Quote(entry.Key switch
        {
            string key => key,
            null => "null",
            bool flag => flag ? "true" : "false",
            BigInteger or double => entry.Key is double number ? Float(number) : entry.Key.ToString()!,
            _ => throw new JinjaError($"keys must be str, int, float, bool or None, not {Python.TypeName(entry.Key)}"),
        });
        text.Append(keySeparator);
        Write(entry.Value, depth);
    }

    private void WriteBlock<T>(char open, char close, IReadOnlyList<T> items, Action<T> write, int depth)
    {
        text.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) text.Append(itemSeparator);
            NewLine(depth + 1);
            write(items[i]);
        }
        if (items.Count > 0) NewLine(depth);
        text.Append(close);
    }

    private void NewLine(int depth)
    {
        if (indent is null) return;
        budget.Allocate((double)indent.Length * depth);
        text.Append('\n').Insert(text.Length, indent, depth);
    }

    private static string Float(double number) =>
        double.IsNaN(number) ? "NaN" : double.IsInfinity(number) ? number > 0 ? "Infinity" : "-Infinity" : Repr.Float(number);

    private void Quote(string literal)
    {
        text.Append('"');
        foreach (var c in literal)
            switch (c)
            {
                case '"' or '\\': text.Append('\\').Append(c); break;
                case '\n': text.Append("\\n"); break;
                case '\r': text.Append("\\r"); break;
                case '\t': text.Append("\\t"); break;
                case '\b': text.Append("\\b"); break;
                case '\f': text.Append("\\f"); break;
                case < ' ': text.Append($"\\u{(int)c:x4}"); break;
                case > '~' when ensureAscii: text.Append($"\\u{(int)c:x4}"); break;
                default: text.Append(c); break;
            }
        text.Append('"');
    }
}
