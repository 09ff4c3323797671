using System.Globalization;
using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>
/// Expressions by recursive descent, with Jinja's precedence: <c>x if y</c>, or, and, not, comparisons, + -, ~, * / // %, **,
/// unary.
/// </summary>
internal sealed class ExpressionParser(TokenStream tokens)
{
    /// <summary>Names of the variables read so far; the statement parser swaps it around a macro.</summary>
    public HashSet<string> Names { get; set; } = [];

    /// <summary>Inside an if, Jinja refuses an unknown filter or test only when it is reached.</summary>
    public int Conditions { get; set; }

    public Expression Parse()
    {
        Budget.CheckDepth();
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
        Budget.CheckDepth();
        var line = tokens.Line;
        return tokens.TakeName("not") ? new Unary("not", ParseNot(), line) : ParseComparison();
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
        Budget.CheckDepth();
        var line = tokens.Line;
        var expression = tokens.TakeOperator("-") ? new Unary("-", ParseUnary(withFilter: false), line)
            : tokens.TakeOperator("+") ? new Unary("+", ParseUnary(withFilter: false), line)
            : ParsePrimary();
        expression = ParsePostfix(expression);
        return withFilter ? ParseFilters(expression) : expression;
    }

    private Expression ParsePrimary(bool isTarget = false)
    {
        var token = tokens.Take();
        switch (token.Kind)
        {
            case TokenKind.Name:
                if (token.Value is "true" or "True") return new Constant(true, token.Line);
                if (token.Value is "false" or "False") return new Constant(false, token.Line);
                if (token.Value is "none" or "None") return new Constant(null, token.Line);
                if (!isTarget) Names.Add(token.Value);
                return new Variable(token.Value, token.Line);
            case TokenKind.String:
                var text = token.Value;
                while (tokens.Current.Kind == TokenKind.String) text += tokens.Take().Value;
                return new Constant(text, token.Line);
            case TokenKind.Integer: return new Constant(Integer(token.Value), token.Line);
            case TokenKind.Float:
                return new Constant(double.Parse(token.Value.Replace("_", ""), CultureInfo.InvariantCulture), token.Line);
            case TokenKind.Operator when token.Value == "(": return Closed(ParseTuple(parenthesized: true));
            case TokenKind.Operator when token.Value == "[": return new ListLiteral(ParseItems("]", Parse), token.Line);
            case TokenKind.Operator when token.Value == "{": return new DictLiteral(ParseItems("}", ParseEntry), token.Line);
            default: throw new JinjaError($"unexpected '{token.Description}'");
        }
    }

    private static BigInteger Integer(string literal)
    {
        literal = literal.Replace("_", "").ToLowerInvariant();
        var numberBase = literal.Length > 1 ? literal[1] switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 10 } : 10;
        if (numberBase == 10) return BigInteger.Parse(literal, CultureInfo.InvariantCulture);
        var value = BigInteger.Zero;
        foreach (var digit in literal[2..]) value = value * numberBase + Convert.ToInt32(digit.ToString(), 16);
        return value;
    }

    private (Expression, Expression) ParseEntry()
    {
        var key = Parse();
        tokens.ExpectOperator(":");
        return (key, Parse());
    }

    private List<T> ParseItems<T>(string end, Func<T> parse)
    {
        var items = new List<T>();
        while (!tokens.IsOperator(end))
        {
            if (items.Count > 0) tokens.ExpectOperator(",");
            if (tokens.IsOperator(end)) break;
            items.Add(parse());
        }
        tokens.Take();
        return items;
    }

    private Expression ParsePostfix(Expression expression)
    {
        while (true)
        {
            if (tokens.TakeOperator(".")) expression = ParseAttribute(expression);
            else if (tokens.TakeOperator("[")) expression = ParseSubscript(expression);
            else if (tokens.IsOperator("(")) expression = ParseCall(expression);
            else return expression;
        }
    }

    private Expression ParseAttribute(Expression target)
    {
        var name = tokens.Take();
        return name.Kind switch
        {
            TokenKind.Name => new Attribute(target, name.Value, name.Line),
            TokenKind.Integer => new Item(target, new Constant(Integer(name.Value), name.Line), name.Line),
            _ => throw new JinjaError("expected name or number"),
        };
    }

    private Expression ParseSubscript(Expression target)
    {
        var line = tokens.Line;
        var indices = ParseItems("]", ParseIndex);
        return new Item(target, indices.Count == 1 ? indices[0] : new TupleLiteral(indices, line), line);
    }

    private Expression ParseIndex()
    {
        var line = tokens.Line;
        var start = tokens.IsOperator(":") ? null : Parse();
        if (!tokens.TakeOperator(":")) return start!;
        var stop = IsSliceEnd() ? null : Parse();
        var step = tokens.TakeOperator(":") && !IsSliceEnd() ? Parse() : null;
        return new Slice(start, stop, step, line);
    }

    private bool IsSliceEnd() => tokens.IsOperator(":") || tokens.IsOperator("]") || tokens.IsOperator(",");

    public Call ParseCall(Expression target) => new(target, ParseArguments(), tokens.Line);

    private ArgumentList ParseArguments()
    {
        tokens.ExpectOperator("(");
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        ParseItems(")", () =>
        {
            if (tokens.IsOperator("*") || tokens.IsOperator("**")) throw JinjaError.Unsupported("unpacking of arguments");
            if (tokens.Current.Kind == TokenKind.Name && tokens.Ahead.Is(TokenKind.Operator, "="))
            {
                var name = tokens.Take().Value;
                tokens.Take();
                named.Add((name, Parse()));
            }
            else if (named.Count > 0) throw new JinjaError("invalid syntax for function call expression");
            else positional.Add(Parse());
            return true;
        });
        return new ArgumentList(positional, named);
    }

    private Expression ParseFilters(Expression expression)
    {
        while (true)
        {
            if (tokens.TakeOperator("|")) expression = ParseFilter(expression);
            else if (tokens.TakeName("is")) expression = ParseTest(expression);
            else if (tokens.IsOperator("(")) expression = ParseCall(expression);
            else return expression;
        }
    }

    /// <summary><c>name(arguments) | name …</c>, behind the first bar.</summary>
    public Filter ParseFilterChain()
    {
        var filter = ParseFilter(null);
        while (tokens.TakeOperator("|")) filter = ParseFilter(filter);
        return filter;
    }

    private Filter ParseFilter(Expression? target)
    {
        var name = tokens.Expect(TokenKind.Name, "name");
        if (Conditions == 0) Filters.Find(name.Value);
        return new Filter(target, name.Value, tokens.IsOperator("(") ? ParseArguments() : ArgumentList.Empty, name.Line);
    }

    private Expression ParseTest(Expression target)
    {
        var negated = tokens.TakeName("not");
        var name = tokens.Expect(TokenKind.Name, "name");
        if (Conditions == 0) Tests.Find(name.Value);
        var arguments = tokens.IsOperator("(") ? ParseArguments()
            : StartsArgument() ? new ArgumentList([ParsePostfix(ParsePrimary())], []) : ArgumentList.Empty;
        var test = new Test(target, name.Value, arguments, name.Line);
        return negated ? new Unary("not", test, name.Line) : test;
    }

    private bool StartsArgument() => tokens.Current.Kind switch
    {
        TokenKind.String or TokenKind.Integer or TokenKind.Float => true,
        TokenKind.Name when tokens.IsName("is") => throw new JinjaError("You cannot chain multiple tests with is"),
        TokenKind.Name => !(tokens.IsName("else") || tokens.IsName("or") || tokens.IsName("and") || tokens.IsName("if") || tokens.IsName("not")),
        TokenKind.Operator => tokens.Current.Value is "[" or "{",
        _ => false,
    };
}
