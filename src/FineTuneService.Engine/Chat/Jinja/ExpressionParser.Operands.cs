using System.Globalization;
using System.Numerics;
using System.Text;

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
                var text = new StringBuilder(token.Value);
                while (tokens.Current.Kind == TokenKind.String) text.Append(tokens.Take().Value);
                return new Constant(text.ToString(), token.Line);
            case TokenKind.Integer: return new Constant(Integer(token.Value), token.Line);
            case TokenKind.Float:
                return new Constant(double.Parse(token.Value.Replace("_", ""), CultureInfo.InvariantCulture), token.Line);
            case TokenKind.Operator when token.Value == "(": return Closed(ParseTuple(parenthesized: true));
            case TokenKind.Operator when token.Value == "[": return new ListLiteral(ParseItems("]", Parse), token.Line);
            case TokenKind.Operator when token.Value == "{": return new DictLiteral(ParseItems("}", ParseEntry), token.Line);
            default: throw new JinjaError($"unexpected '{token.Description}'");
        }
    }

    private BigInteger Integer(string literal) => NumberParsing.Integer(literal, 0, budget) ?? throw IntegerText.TooLong();

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
        var named = new List<(string Name, Expression)>();
        Expression? unpacked = null, unpackedNamed = null;
        ParseItems(")", () =>
        {
            if (unpackedNamed is not null || (unpacked is not null && tokens.IsOperator("*"))) throw InvalidCall();
            if (tokens.TakeOperator("*")) unpacked = Parse();
            else if (tokens.TakeOperator("**")) unpackedNamed = Parse();
            else if (tokens.Current.Kind == TokenKind.Name && tokens.Ahead.Is(TokenKind.Operator, "="))
            {
                var name = tokens.Take().Value;
                tokens.Take();
                if (named.Any(other => other.Name == name)) throw new JinjaError($"keyword argument repeated: {name}");
                named.Add((name, Parse()));
            }
            else if (named.Count > 0 || unpacked is not null) throw InvalidCall();
            else positional.Add(Parse());
            return true;
        });
        return new ArgumentList(positional, named, unpacked, unpackedNamed);
    }

    private static JinjaError InvalidCall() => new("invalid syntax for function call expression");

    /// <summary>The name of a filter or test, which may have points in it.</summary>
    private string ParseName()
    {
        var name = tokens.Expect(TokenKind.Name, "name").Value;
        while (tokens.TakeOperator(".")) name += "." + tokens.Expect(TokenKind.Name, "name").Value;
        return name;
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
        var (line, name) = (tokens.Line, ParseName());
        if (Conditions == 0) Filters.Find(name);
        return new Filter(target, name, tokens.IsOperator("(") ? ParseArguments() : ArgumentList.Empty, line);
    }

    private Expression ParseTest(Expression target)
    {
        var negated = tokens.TakeName("not");
        var (line, name) = (tokens.Line, ParseName());
        if (Conditions == 0) Tests.Find(name);
        var arguments = tokens.IsOperator("(") ? ParseArguments()
            : StartsArgument() ? new ArgumentList([ParsePostfix(ParsePrimary())], []) : ArgumentList.Empty;
        var test = new Test(target, name, arguments, line);
        return negated ? new Unary("not", test, line) : test;
    }

    private bool StartsArgument() => tokens.Current.Kind switch
    {
        TokenKind.String or TokenKind.Integer or TokenKind.Float => true,
        TokenKind.Name when tokens.IsName("is") => throw new JinjaError("You cannot chain multiple tests with is"),
        TokenKind.Name => tokens.Current.Value is not ("else" or "or" or "and"),
        TokenKind.Operator => tokens.Current.Value is "[" or "{",
        _ => false,
    };
}
