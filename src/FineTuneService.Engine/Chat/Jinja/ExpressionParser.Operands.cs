using System.Globalization;
using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Operands: literals, names, and what follows them: attributes, items, calls, filters and tests.</summary>
internal sealed partial class ExpressionParser
{
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
        TokenKind.Name => tokens.Current.Value is not ("else" or "or" or "and" or "if" or "not"),
        TokenKind.Operator => tokens.Current.Value is "[" or "{",
        _ => false,
    };
}
