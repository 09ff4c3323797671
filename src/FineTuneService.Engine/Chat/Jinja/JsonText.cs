using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The filter tojson: Python's json.dumps with ensure_ascii off, as transformers has it.</summary>
internal sealed class JsonText
{
    private readonly TextBuilder _text;
    private readonly Budget _budget;
    private readonly bool _ensureAscii, _sortKeys;
    private readonly string? _indent;
    private readonly string _itemSeparator, _keySeparator;

    private JsonText(Arguments arguments)
    {
        _budget = arguments.Budget;
        _text = new TextBuilder(_budget);
        _ensureAscii = arguments.IsTrue(1, "ensure_ascii");
        _sortKeys = arguments.IsTrue(4, "sort_keys");
        _indent = arguments.Get(2, "indent") switch { null => null, string literal => literal, _ => Spaces(arguments) };
        var separators = arguments.Get(3, "separators") is IReadOnlyList<object?> { Count: 2 } given
            ? given : [_indent is null ? ", " : ",", ": "];
        (_itemSeparator, _keySeparator) = (arguments.Str(separators[0]), arguments.Str(separators[1]));
    }

    public static object? Filter(Arguments arguments)
    {
        var json = new JsonText(arguments);
        json.Write(arguments[0], 0);
        return json._text.ToString();
    }

    private static string Spaces(Arguments arguments)
    {
        var width = arguments.GetInteger(2, "indent", 0);
        arguments.Budget.Allocate(width);
        return new string(' ', Math.Max(0, width));
    }

    private void Write(object? value, int depth)
    {
        _budget.Step();
        _budget.Enter();
        switch (value)
        {
            case null: _text.Append("null"); break;
            case bool flag: _text.Append(flag ? "true" : "false"); break;
            case BigInteger integer: _text.Append(IntegerText.Of(integer, _budget)); break;
            case double number: _text.Append(Float(number)); break;
            case string literal: Quote(literal); break;
            case List<object?> or PythonTuple or ItemGroup:
                WriteBlock('[', ']', (IReadOnlyList<object?>)value, item => Write(item, depth + 1), depth);
                break;
            case Dict dict: WriteBlock('{', '}', Entries(dict), entry => WriteEntry(entry, depth + 1), depth); break;
            default: throw new JinjaError($"Object of type {Python.TypeName(value)} is not JSON serializable");
        }
        _budget.Leave();
    }

    private IReadOnlyList<KeyValuePair<object?, object?>> Entries(Dict dict) =>
        _sortKeys ? OrderFilters.Ordered([.. dict], entry => entry.Key, reverse: false, _budget) : [.. dict];

    private void WriteEntry(KeyValuePair<object?, object?> entry, int depth)
    {
        Quote(entry.Key switch
        {
            string key => key,
            null => "null",
            bool flag => flag ? "true" : "false",
            BigInteger or double => entry.Key is double number ? Float(number) : IntegerText.Of((BigInteger)entry.Key, _budget),
            _ => throw new JinjaError($"keys must be str, int, float, bool or None, not {Python.TypeName(entry.Key)}"),
        });
        _text.Append(_keySeparator);
        Write(entry.Value, depth);
    }

    private void WriteBlock<T>(char open, char close, IReadOnlyList<T> items, Action<T> write, int depth)
    {
        _text.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) _text.Append(_itemSeparator);
            NewLine(depth + 1);
            write(items[i]);
        }
        if (items.Count > 0) NewLine(depth);
        _text.Append(close);
    }

    private void NewLine(int depth)
    {
        if (_indent is null) return;
        _text.Append('\n');
        for (var i = 0; i < depth; i++) _text.Append(_indent);
    }

    private static string Float(double number) =>
        double.IsNaN(number) ? "NaN" : double.IsInfinity(number) ? number > 0 ? "Infinity" : "-Infinity" : Repr.Float(number);

    private void Quote(string literal)
    {
        _budget.Scan(literal.Length);
        _text.Append('"');
        foreach (var c in literal)
            switch (c)
            {
                case '"' or '\\': _text.Append('\\').Append(c); break;
                case '\n': _text.Append("\\n"); break;
                case '\r': _text.Append("\\r"); break;
                case '\t': _text.Append("\\t"); break;
                case '\b': _text.Append("\\b"); break;
                case '\f': _text.Append("\\f"); break;
                case < ' ': _text.Append($"\\u{(int)c:x4}"); break;
                case > '~' when _ensureAscii: _text.Append($"\\u{(int)c:x4}"); break;
                default: _text.Append(c); break;
            }
        _text.Append('"');
    }
}
