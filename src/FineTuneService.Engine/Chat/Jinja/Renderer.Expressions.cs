namespace FineTuneService.Engine.Chat.Jinja;

internal sealed partial class Renderer
{
    /// <param name="implicitArgument">In a filter block the text of the block; in a call block the macro that becomes
    /// <c>caller</c>.</param>
    private object? Evaluate(Expression expression, Scope scope, object? implicitArgument = null) =>
        Markup.Plain(EvaluateMarked(expression, scope, implicitArgument));

    /// <summary>The value, which may be <see cref="Markup"/>: an operand of +.</summary>
    private object? EvaluateMarked(Expression expression, Scope scope, object? implicitArgument = null)
    {
        Budget.Step();
        Budget.Enter();
        _line = expression.Line;
        var value = Value(expression, scope, implicitArgument);
        Budget.Leave();
        return value;
    }

    private object? Value(Expression expression, Scope scope, object? implicitArgument)
    {
        switch (expression)
        {
            case Constant constant: return constant.Value;
            case Variable variable: return Value(variable.Name, scope);
            case ListLiteral list: return EvaluateAll(list.Items, scope);
            case TupleLiteral tuple: return new PythonTuple(EvaluateAll(tuple.Items, scope));
            case DictLiteral dict: return EvaluateDict(dict, scope);
            case Attribute attribute: return Members.Attribute(Evaluate(attribute.Target, scope), attribute.Name, Budget);
            case Item { Index: Slice slice } item: return Evaluate(item.Target, slice, scope);
            case Item item: return Members.Item(Evaluate(item.Target, scope), Evaluate(item.Index, scope), Budget);
            case Slice: throw new JinjaError("unhashable type: 'slice'");
            case Call call: return Evaluate(call, scope, implicitArgument as TemplateMacro);
            case Filter filter: return Evaluate(filter, scope, implicitArgument);
            case Test test: return Evaluate(test, scope);
            case Unary { Operator: "not" } unary: return !Python.IsTrue(Evaluate(unary.Operand, scope));
            case Unary { Operator: "-" } unary: return Arithmetic.Negate(Evaluate(unary.Operand, scope));
            case Unary unary: return Arithmetic.Negate(Arithmetic.Negate(Evaluate(unary.Operand, scope)));
            case Binary binary: return Evaluate(binary, scope);
            case Comparison comparison: return Evaluate(comparison, scope);
            case Concatenation concatenation: return Evaluate(concatenation, scope);
            case And and: return Evaluate(and.Left, scope) is var left && Python.IsTrue(left) ? Evaluate(and.Right, scope) : left;
            case Or or: return Evaluate(or.Left, scope) is var first && Python.IsTrue(first) ? first : Evaluate(or.Right, scope);
            case Conditional choice when Python.IsTrue(Evaluate(choice.Test, scope)): return Evaluate(choice.Then, scope);
            case Conditional choice: return choice.Otherwise is null ? NoElse : Evaluate(choice.Otherwise, scope);
            default: throw new InvalidOperationException($"No value for {expression.GetType().Name}.");
        }
    }

    private object? Value(string name, Scope scope)
    {
        if (scope.TryGet(name, out var value)) return value;
        if (name == "super" && _block is not null) return new Undefined($"there is no parent block called '{_block}'.");
        return name == "self" ? Blocks() : new Undefined($"'{name}' is undefined");
    }

    private BlockNames Blocks()
    {
        var context = _context;
        return new BlockNames(_template.Blocks, block => Capture(() => Execute(block, context)));
    }

    private static readonly Undefined NoElse = new("the inline if-expression was false and has no else.");

    private object? Evaluate(Binary binary, Scope scope)
    {
        var (left, right) = (EvaluateMarked(binary.Left, scope), EvaluateMarked(binary.Right, scope));
        _line = binary.Line;
        return binary.Operator == "+" ? Arithmetic.Apply("+", left, right, Budget)
            : Arithmetic.Apply(binary.Operator, Markup.Plain(left), Markup.Plain(right), Budget);
    }

    private List<object?> EvaluateAll(IReadOnlyList<Expression> expressions, Scope scope)
    {
        Budget.AllocateItems(expressions.Count);
        var values = new List<object?>(expressions.Count);
        foreach (var expression in expressions) values.Add(Evaluate(expression, scope));
        return values;
    }

    private Dict EvaluateDict(DictLiteral literal, Scope scope)
    {
        var dict = new Dict(Budget);
        foreach (var (key, value) in literal.Items) dict[Evaluate(key, scope)] = Evaluate(value, scope);
        return dict;
    }

    private object? Evaluate(Expression target, Slice slice, Scope scope)
    {
        int? Bound(Expression? bound) => bound is null || Evaluate(bound, scope) is not { } value ? null : Numbers.ToIndex(value);
        return Slicing.Apply(Evaluate(target, scope), Bound(slice.Start), Bound(slice.Stop), Bound(slice.Step), Budget);
    }

    private Arguments Evaluate(string callee, IEnumerable<object?> first, ArgumentList list, Scope scope)
    {
        var positional = new List<object?>(first);
        positional.AddRange(EvaluateAll(list.Positional, scope));
        if (list.Unpacked is not null)
        {
            var more = Python.Iterate(Evaluate(list.Unpacked, scope), Budget);
            Budget.AllocateItems(more.Count);
            positional.AddRange(more);
        }
        if (list.Named.Count == 0 && list.UnpackedNamed is null) return new Arguments(callee, positional, this);
        var named = new Dictionary<string, object?>();
        foreach (var (name, value) in list.Named) named[name] = Evaluate(value, scope);
        if (list.UnpackedNamed is not null) Unpack(callee, Evaluate(list.UnpackedNamed, scope), named);
        return new Arguments(callee, positional, named, this);
    }

    private static void Unpack(string callee, object? mapping, Dictionary<string, object?> named)
    {
        if (mapping is not Dict dict)
            throw new JinjaError($"{callee}() argument after ** must be a mapping, not {Python.TypeName(mapping)}");
        foreach (var (key, value) in dict)
        {
            if (key is not string name) throw new JinjaError("keywords must be strings");
            if (!named.TryAdd(name, value)) throw new JinjaError($"{callee}() got multiple values for keyword argument '{name}'");
        }
    }

    private object? Evaluate(Call call, Scope scope, TemplateMacro? caller)
    {
        var target = Evaluate(call.Target, scope);
        var body = target switch
        {
            Function function => function.Body,
            TemplateObject { Body: { } own } => own,
            Undefined undefined => throw undefined.Error(),
            _ => throw new JinjaError($"'{Python.TypeName(target)}' object is not callable"),
        };
        var arguments = Evaluate((target as Function)?.Name ?? "call", [], call.Arguments, scope);
        if (caller is not null)
            arguments = arguments with { Named = new Dictionary<string, object?>(arguments.Named) { ["caller"] = caller } };
        _line = call.Line;
        return Charge(body(arguments));
    }

    private object? Evaluate(Filter filter, Scope scope, object? blockText)
    {
        // Only these care whether a text is escaped already.
        var input = filter.Target is null ? blockText
            : filter.Name is "e" or "escape" ? EvaluateMarked(filter.Target, scope, blockText) : Evaluate(filter.Target, scope, blockText);
        var arguments = Evaluate(filter.Name, [input], filter.Arguments, scope);
        _line = filter.Line;
        return Charge(Filters.Apply(filter.Name, arguments));
    }

    private bool Evaluate(Test test, Scope scope)
    {
        var tested = test.Name == "escaped" ? EvaluateMarked(test.Target, scope) : Evaluate(test.Target, scope);
        var arguments = Evaluate(test.Name, [tested], test.Arguments, scope);
        _line = test.Line;
        return Tests.Apply(test.Name, arguments);
    }

    private object? Charge(object? value)
    {
        if (value is string text) Budget.Allocate(text.Length);
        else if (value is List<object?> list) Budget.AllocateItems(list.Count);
        return value;
    }

    private bool Evaluate(Comparison comparison, Scope scope)
    {
        var left = Evaluate(comparison.First, scope);
        foreach (var (sign, operand) in comparison.Rest)
        {
            var right = Evaluate(operand, scope);
            if (!Compare(sign, left, right)) return false;
            left = right;
        }
        return true;
    }

    private bool Compare(string sign, object? left, object? right) => sign switch
    {
        "==" => Python.Equal(left, right, Budget),
        "!=" => !Python.Equal(left, right, Budget),
        "in" => Python.Contains(right, left, Budget),
        "not in" => !Python.Contains(right, left, Budget),
        _ => Ordering.Holds(sign, left, right, Budget),
    };

    private string Evaluate(Concatenation concatenation, Scope scope)
    {
        var text = new TextBuilder(Budget);
        foreach (var part in concatenation.Parts) text.Append(Repr.Str(Evaluate(part, scope), Budget));
        return text.ToString();
    }

    /// <summary>A macro is rendered in the scope where it was defined.</summary>
    public string Render(TemplateMacro macro, Arguments arguments) => Capture(() =>
    {
        var scope = new Scope(macro.Scope);
        macro.Bind(arguments, scope, standard => Evaluate(standard, scope));
        Execute(macro.Definition.Body, scope);
    });
}
