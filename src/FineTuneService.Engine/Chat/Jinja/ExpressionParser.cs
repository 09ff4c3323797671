namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>
/// Expressions by recursive descent, with Jinja's precedence: <c>x if y</c>, or, and, not, comparisons, + -, ~, * / // %, **,
/// unary.
/// </summary>
internal sealed partial class ExpressionParser(TokenStream tokens, Budget budget)
{
    /// <summary>Names of the variables read so far; the statement parser swaps it around a macro.</summary>
    public HashSet<string> Names { get; set; } = [];

    /// <summary>Inside an if, Jinja refuses an unknown filter or test only when it is reached.</summary>
    public int Conditions { get; set; }

    public Expression Parse()
    {
        budget.Enter();
        var expression = ParseOr();
        while (tokens.TakeName("if"))
        {
            var line = tokens.Line;
            Conditions++;
            var test = ParseOr();
            var otherwise = tokens.TakeName("else") ? Parse() : null;
            Conditions--;
            expression = new Conditional(test, expression, otherwise, line);
        }
        budget.Leave();
        return expression;
    }

    /// <summary>One expression, or several with commas between, which make a tuple.</summary>
    /// <param name="conditional">Whether <c>a if b else c</c> may stand here without parentheses.</param>
    public Expression ParseTuple(bool conditional = true, string? endName = null, bool parenthesized = false)
    {
        var line = tokens.Line;
        var items = new List<Expression>();
        var isTuple = false;
        while (true)
        {
            if (items.Count > 0 && !isTuple) break;
            if (IsTupleEnd(endName)) break;
            items.Add(conditional ? Parse() : ParseOr());
            isTuple = tokens.TakeOperator(",");
            if (isTuple) continue;
            isTuple = items.Count > 1;
            break;
        }
        if (items.Count == 1 && !isTuple) return items[0];
        if (items.Count == 0 && !parenthesized)
            throw new JinjaError($"Expected an expression, got '{tokens.Current.Description}'");
        return new TupleLiteral(items, line);
    }

    /// <summary>
    /// What may stand left of <c>=</c> or before <c>in</c>: a name, names with commas, or an attribute of a namespace.
    /// </summary>
    public Expression ParseTarget(string? endName = null, bool attributes = false)
    {
        budget.Enter();
        var target = ParseTargets(endName, attributes);
        budget.Leave();
        return target;
    }

    private Expression ParseTargets(string? endName, bool attributes)
    {
        var line = tokens.Line;
        if (attributes && tokens.Current.Kind == TokenKind.Name && tokens.Ahead.Is(TokenKind.Operator, "."))
        {
            var variable = new Variable(tokens.Take().Value, line);
            tokens.Take();
            return new Attribute(variable, tokens.Expect(TokenKind.Name, "name").Value, line);
        }
        var items = new List<Expression>();
        var isTuple = false;
        while (!IsTupleEnd(endName) && !tokens.IsOperator("="))
        {
            items.Add(tokens.TakeOperator("(") ? Closed(ParseTarget()) : ParsePrimary(isTarget: true));
            if (!tokens.TakeOperator(",")) break;
            isTuple = true;
        }
        if (items.Count == 0) throw new JinjaError($"Expected an expression, got '{tokens.Current.Description}'");
        foreach (var item in items)
            if (item is not (Variable or TupleLiteral)) throw new JinjaError("can't assign to 'const'");
        return isTuple ? new TupleLiteral(items, line) : items[0];
    }

    private Expression Closed(Expression inner)
    {
        tokens.ExpectOperator(")");
        return inner;
    }

    private bool IsTupleEnd(string? endName) =>
        tokens.Current.Kind is TokenKind.PrintEnd or TokenKind.BlockEnd or TokenKind.End || tokens.IsOperator(")")
        || (endName is not null && tokens.IsName(endName));

    private Expression ParseOr()
    {
        var left = ParseAnd();
        while (tokens.IsName("or")) left = new Or(left, After(ParseAnd), left.Line);
        return left;
    }

    private Expression ParseAnd()
    {
        var left = ParseNot();
        while (tokens.IsName("and")) left = new And(left, After(ParseNot), left.Line);
        return left;
    }

    private Expression ParseNot()
    {
        budget.Enter();
        var line = tokens.Line;
        var expression = tokens.TakeName("not") ? new Unary("not", ParseNot(), line) : ParseComparison();
        budget.Leave();
        return expression;
    }

    private Expression After(Func<Expression> parse)
    {
        tokens.Take();
        return parse();
    }

    private Expression ParseComparison()
    {
        var first = ParseSum();
        var rest = new List<(string, Expression)>();
        while (true)
        {
            if (tokens.Current.Kind == TokenKind.Operator && tokens.Current.Value is "==" or "!=" or "<" or "<=" or ">" or ">=")
                rest.Add((tokens.Take().Value, ParseSum()));
            else if (tokens.TakeName("in"))
                rest.Add(("in", ParseSum()));
            else if (tokens.IsName("not") && tokens.Ahead.Is(TokenKind.Name, "in"))
            {
                tokens.Take();
                tokens.Take();
                rest.Add(("not in", ParseSum()));
            }
            else break;
        }
        return rest.Count == 0 ? first : new Comparison(first, rest, first.Line);
    }

    private Expression ParseSum() => ParseBinary(ParseConcatenation, "+", "-");

    private Expression ParseConcatenation()
    {
        var first = ParseProduct();
        if (!tokens.IsOperator("~")) return first;
        var parts = new List<Expression> { first };
        while (tokens.TakeOperator("~")) parts.Add(ParseProduct());
        return new Concatenation(parts, first.Line);
    }

    private Expression ParseProduct() => ParseBinary(ParsePower, "*", "/", "//", "%");

    private Expression ParsePower() => ParseBinary(() => ParseUnary(withFilter: true), "**");

    private Expression ParseBinary(Func<Expression> operand, params ReadOnlySpan<string> operators)
    {
        var left = operand();
        while (tokens.Current.Kind == TokenKind.Operator && operators.Contains(tokens.Current.Value))
        {
            var sign = tokens.Take();
            left = new Binary(sign.Value, left, operand(), sign.Line);
        }
        return left;
    }

    private Expression ParseUnary(bool withFilter)
    {
        budget.Enter();
        var line = tokens.Line;
        var expression = tokens.TakeOperator("-") ? new Unary("-", ParseUnary(withFilter: false), line)
            : tokens.TakeOperator("+") ? new Unary("+", ParseUnary(withFilter: false), line)
            : ParsePrimary();
        expression = ParsePostfix(expression);
        if (withFilter) expression = ParseFilters(expression);
        budget.Leave();
        return expression;
    }
}
