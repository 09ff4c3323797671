
namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>An expression of the syntax tree. <paramref name="Line"/> is 1-based, for error messages.</summary>
internal abstract record Expression(int Line);

internal sealed record Constant(object? Value, int Line) : Expression(Line);

internal sealed record Variable(string Name, int Line) : Expression(Line);

internal sealed record ListLiteral(IReadOnlyList<Expression> Items, int Line) : Expression(Line);

internal sealed record TupleLiteral(IReadOnlyList<Expression> Items, int Line) : Expression(Line);

internal sealed record DictLiteral(IReadOnlyList<(Expression Key, Expression Value)> Items, int Line) : Expression(Line);

internal sealed record Attribute(Expression Target, string Name, int Line) : Expression(Line);

internal sealed record Item(Expression Target, Expression Index, int Line) : Expression(Line);

internal sealed record Slice(Expression? Start, Expression? Stop, Expression? Step, int Line) : Expression(Line);

/// <param name="Unpacked">What stands behind <c>*</c>, or null.</param>
/// <param name="UnpackedNamed">What stands behind <c>**</c>, or null.</param>
internal sealed record ArgumentList(
    IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named, Expression? Unpacked = null, Expression? UnpackedNamed = null)
{
    public static readonly ArgumentList Empty = new([], []);
}

internal sealed record Call(Expression Target, ArgumentList Arguments, int Line) : Expression(Line);

/// <param name="Target">Null in <c>{% filter x %}</c> and <c>{% set y | x %}</c>: the text of the block.</param>
internal sealed record Filter(Expression? Target, string Name, ArgumentList Arguments, int Line) : Expression(Line);

internal sealed record Test(Expression Target, string Name, ArgumentList Arguments, int Line) : Expression(Line);

/// <param name="Operator">One of <c>- + not</c>.</param>
internal sealed record Unary(string Operator, Expression Operand, int Line) : Expression(Line);

/// <param name="Operator">One of <c>+ - * / // % **</c>.</param>
internal sealed record Binary(string Operator, Expression Left, Expression Right, int Line) : Expression(Line);

/// <summary><c>a &lt; b &lt; c</c>: each operand is evaluated once, at most.</summary>
internal sealed record Comparison(Expression First, IReadOnlyList<(string Operator, Expression Operand)> Rest, int Line)
    : Expression(Line);

/// <summary><c>a ~ b ~ c</c>.</summary>
internal sealed record Concatenation(IReadOnlyList<Expression> Parts, int Line) : Expression(Line);

internal sealed record And(Expression Left, Expression Right, int Line) : Expression(Line);

internal sealed record Or(Expression Left, Expression Right, int Line) : Expression(Line);

/// <summary><c>then if test else otherwise</c>.</summary>
internal sealed record Conditional(Expression Test, Expression Then, Expression? Otherwise, int Line) : Expression(Line);

/// <summary>A template, and its named blocks by name.</summary>
internal sealed record Template(IReadOnlyList<Statement> Statements, IReadOnlyDictionary<string, Block> Blocks);

/// <summary>A statement of the syntax tree.</summary>
internal abstract record Statement(int Line);

internal sealed record TextStatement(string Text, int Line) : Statement(Line);

internal sealed record Print(Expression Value, int Line) : Statement(Line);

internal sealed record If(IReadOnlyList<(Expression Test, IReadOnlyList<Statement> Body)> Branches,
    IReadOnlyList<Statement> Otherwise, int Line) : Statement(Line);

/// <param name="Filter">The test of <c>for x in xs if test</c>.</param>
/// <param name="Otherwise">Rendered when no item was left.</param>
internal sealed record For(Expression Target, Expression Items, Expression? Filter, bool Recursive, IReadOnlyList<Statement> Body,
    IReadOnlyList<Statement> Otherwise, int Line) : Statement(Line);

internal sealed record Break(int Line) : Statement(Line);

internal sealed record Continue(int Line) : Statement(Line);

internal sealed record Set(Expression Target, Expression Value, int Line) : Statement(Line);

internal sealed record SetBlock(Expression Target, Expression? Filter, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

/// <param name="Names">Every variable that the body reads: decides whether varargs, kwargs and caller may be given.</param>
internal sealed record Macro(string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters,
    IReadOnlyList<Statement> Body, IReadOnlySet<string> Names, int Line) : Statement(Line);

/// <summary><c>{% call f() %}body{% endcall %}</c>: f is called with the body as <c>caller</c>.</summary>
internal sealed record CallBlock(Call Call, Macro Caller, int Line) : Statement(Line);

internal sealed record FilterBlock(Filter Filter, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

internal sealed record With(IReadOnlyList<(Expression Target, Expression Value)> Variables, IReadOnlyList<Statement> Body, int Line)
    : Statement(Line);

/// <summary>A named block. No template extends another, so it is rendered where it stands, and where <c>self.name()</c> asks for it.</summary>
/// <param name="Scoped">It sees the variables around it, and not only the template's own.</param>
internal sealed record Block(string Name, IReadOnlyList<Statement> Body, bool Scoped, bool Required, int Line) : Statement(Line);

/// <summary><c>{% autoescape true %}</c>: what is printed inside is escaped for HTML.</summary>
internal sealed record AutoEscape(Expression Enabled, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

/// <summary><c>{% generation %}</c>: transformers' mark of what the assistant says, hence of what is trained on.</summary>
internal sealed record Generation(IReadOnlyList<Statement> Body, int Line) : Statement(Line);
