
namespace FineTuneService.Engine.Chat.Jinja;

internal sealed partial class Renderer
{
    private enum Flow { Next, Break, Continue }

    private Flow Execute(IReadOnlyList<Statement> statements, Scope scope)
    {
        var flow = Flow.Next;
        Budget.Enter();
        for (var i = 0; i < statements.Count && flow == Flow.Next; i++)
        {
            Budget.Step();
            _line = statements[i].Line;
            flow = Execute(statements[i], scope);
        }
        Budget.Leave();
        return flow;
    }

    private Flow Execute(Statement statement, Scope scope)
    {
        switch (statement)
        {
            case TextStatement text: Write(text.Text); break;
            case Print print: Write(EvaluateMarked(print.Value, scope)); break;
            case If branch: return Execute(branch, scope);
            case For loop: Execute(loop, scope, 1); break;
            case Break: return Flow.Break;
            case Continue: return Flow.Continue;
            case Set set: Assign(set.Target, Evaluate(set.Value, scope), scope); break;
            case SetBlock set: Assign(set.Target, Filtered(set.Filter, set.Body, scope), scope); break;
            case Macro macro: scope[macro.Name] = new TemplateMacro(macro, scope); break;
            case CallBlock block:
                Write(Repr.Str(Evaluate(block.Call, scope, new TemplateMacro(block.Caller, scope)), Budget));
                break;
            case FilterBlock filter: Write(Repr.Str(Filtered(filter.Filter, filter.Body, scope), Budget)); break;
            case With with: return Execute(with, scope);
            case Block block: Execute(block, block.Scoped ? new Scope(scope) : _context); break;
            case AutoEscape escape: return Execute(escape, scope);
            case Generation generation: return Execute(generation, scope);
            default: throw new InvalidOperationException($"No rendering for {statement.GetType().Name}.");
        }
        return Flow.Next;
    }

    private Flow Execute(If branch, Scope scope)
    {
        foreach (var (test, body) in branch.Branches)
            if (Python.IsTrue(Evaluate(test, scope))) return Execute(body, scope);
        return Execute(branch.Otherwise, scope);
    }

    private Flow Execute(With with, Scope scope)
    {
        var inner = new Scope(scope);
        foreach (var (target, value) in with.Variables) Assign(target, Evaluate(value, scope), inner);
        return Execute(with.Body, inner);
    }

    /// <param name="context">The variables that the block sees.</param>
    private void Execute(Block block, Scope context)
    {
        if (block.Required) throw new JinjaError($"Required block '{block.Name}' not found");
        var outer = (_context, _block);
        (_context, _block) = (context, block.Name);
        Execute(block.Body, new Scope(context));
        (_context, _block) = outer;
    }

    private Flow Execute(AutoEscape escape, Scope scope)
    {
        var outer = _escapes;
        _escapes = Python.IsTrue(Evaluate(escape.Enabled, scope));
        var flow = Execute(escape.Body, new Scope(scope));
        _escapes = outer;
        return flow;
    }

    private Flow Execute(Generation generation, Scope scope)
    {
        var start = _output.Length;
        var flow = Execute(generation.Body, scope);
        if (ReferenceEquals(_output, _root)) _generated.Add(start.._output.Length);
        return flow;
    }

    private void Execute(For loop, Scope scope, int depth) => Execute(loop, Evaluate(loop.Items, scope), scope, depth);

    private void Execute(For loop, object? iterable, Scope scope, int depth)
    {
        var items = Filter(loop, Python.Iterate(iterable, Budget), scope);
        var context = new LoopContext(items, depth)
        {
            // loop(children) renders the loop again, one level deeper.
            Recurse = loop.Recursive ? children => Capture(() => Execute(loop, children, scope, depth + 1)) : null,
        };
        var completed = false;
        while (context.MoveNext())
        {
            Budget.AllocateItems(8);
            var turn = new Scope(scope) { ["loop"] = context };
            Assign(loop.Target, context.Item, turn);
            var flow = Execute(loop.Body, turn);
            if (flow == Flow.Break) break;
            completed |= flow == Flow.Next;
        }
        // As in Jinja, a loop whose every turn ended in break or continue counts as empty.
        if (!completed) Execute(loop.Otherwise, scope);
    }

    private IReadOnlyList<object?> Filter(For loop, IReadOnlyList<object?> items, Scope scope)
    {
        if (loop.Filter is null) return items;
        var kept = new List<object?>();
        foreach (var item in items)
        {
            var inner = new Scope(scope);
            Assign(loop.Target, item, inner);
            if (Python.IsTrue(Evaluate(loop.Filter, inner))) kept.Add(item);
        }
        return kept;
    }

    private object? Filtered(Expression? filter, IReadOnlyList<Statement> body, Scope scope)
    {
        var text = Capture(() => Execute(body, new Scope(scope)));
        return filter is null ? text : Evaluate(filter, scope, text);
    }

    private void Assign(Expression target, object? value, Scope scope)
    {
        switch (target)
        {
            case Variable variable:
                scope[variable.Name] = value;
                break;
            case Attribute { Target: Variable variable } attribute:
                if (scope[variable.Name] is not TemplateNamespace fields)
                    throw new JinjaError("cannot assign attribute on non-namespace object");
                fields.Set(attribute.Name, value);
                break;
            case TupleLiteral tuple:
                Budget.Enter();
                var items = Python.Iterate(value, Budget);
                if (items.Count > tuple.Items.Count)
                    throw new JinjaError($"too many values to unpack (expected {tuple.Items.Count})");
                if (items.Count < tuple.Items.Count)
                    throw new JinjaError($"not enough values to unpack (expected {tuple.Items.Count}, got {items.Count})");
                for (var i = 0; i < items.Count; i++) Assign(tuple.Items[i], items[i], scope);
                Budget.Leave();
                break;
        }
    }
}
